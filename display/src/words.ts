import { catalogues, type Catalogue } from "ui-kit/page/words.ts";

// A new language is one more file in the folder.
export const CATALOGUES = catalogues(
  import.meta.glob<Catalogue>("../../ui_kit/languages/*.json", { eager: true, import: "common" }),
  import.meta.glob<Catalogue>("../../ui_kit/languages/*.json", { eager: true, import: "display" }),
);
