import "./kiosk.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { ApiClient } from "ui-kit/api/client.ts";
import type { BoardState } from "ui-kit/feed/messages.ts";
import { readAddress } from "ui-kit/page/address.ts";
import { followHall } from "ui-kit/page/hall.ts";
import { renewPage } from "ui-kit/page/renewal.ts";
import { TokenForm } from "ui-kit/page/token_form.tsx";
import { chooseLanguage, Words } from "ui-kit/page/words.ts";
import { watchIdle } from "./idle.ts";
import { Kiosk, type Parts } from "./kiosk_page.tsx";
import { watchServices } from "./picture.ts";
import { care, isLarge, language, screen, startOver } from "./visit.ts";
import { CATALOGUES } from "./words.ts";

const { branch, token } = readAddress();
const installed = Object.keys(CATALOGUES);

function connect(accepted: string): Parts {
  const api = new ApiClient(branch, accepted);
  const hall = followHall<BoardState>({ view: "board", branch, token: accepted });
  const languages = () => {
    const offered = (hall.state.value?.branch.languages ?? installed).filter((tag) => installed.includes(tag));
    return offered.length > 0 ? offered : installed;
  };
  const goHome = () => startOver(languages().length > 1 ? "language" : "services", languages()[0]!);
  return { branch, api, hall, picture: watchServices(hall, api), languages, goHome };
}

function start(root: HTMLElement): void {
  if (!token) {
    language.value = chooseLanguage(navigator.languages, installed);
    document.documentElement.lang = language.value;
    render(<TokenForm branch={branch} words={new Words(language.value, CATALOGUES)} refusal={null} />, root);
    return;
  }
  const parts = connect(token);
  const isUntouched = () => screen.value.kind === (parts.languages().length > 1 ? "language" : "services") && !isLarge.value && care.value === null;
  const isVisiting = () => screen.value.kind !== "issuing" && screen.value.kind !== "ticket" && !isUntouched();
  watchIdle(isVisiting, parts.goHome);
  renewPage(parts.hall, isUntouched);
  effect(() => {
    // A branch of one language has no first question.
    if (screen.value.kind === "language" && parts.hall.state.value && parts.languages().length === 1) parts.goHome();
  });
  effect(() => {
    document.documentElement.lang = language.value;
    document.documentElement.classList.toggle("large", isLarge.value);
  });
  render(<Kiosk {...parts} />, root);
}

addEventListener("hashchange", () => location.reload());
// A long press or a drag must not open a browser's own menu in front of the customer.
addEventListener("contextmenu", (event) => event.preventDefault());
start(document.getElementById("page")!);
