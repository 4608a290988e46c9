/** Leaves the visit when nobody touches the screen: first a warning, then the start. */
import { signal } from "@preact/signals";

const PATIENCE_S = 45;
const WARNING_S = 15;

/** Seconds until the screen starts over; null while there is no need to warn. */
export const warning = signal<number | null>(null);

let untouchedSince = 0;

export function touch(): void {
  untouchedSince = performance.now();
  warning.value = null;
}

/** Look at the clock each second; *isVisiting* says whether there is anything to leave. */
export function watchIdle(isVisiting: () => boolean, leave: () => void): void {
  // While the warning shows only a whole click counts: taken away at the first press, its buttons could not be used.
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => warning.value === null && touch());
  addEventListener("click", touch);
  setInterval(() => look(isVisiting, leave), 1_000);
}

function look(isVisiting: () => boolean, leave: () => void): void {
  if (!isVisiting()) return touch();
  const left = Math.ceil(PATIENCE_S + WARNING_S - (performance.now() - untouchedSince) / 1_000);
  warning.value = left <= WARNING_S ? Math.max(0, left) : null;
  if (left > 0) return;
  touch();
  leave();
}
