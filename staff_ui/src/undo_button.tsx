import type { Words } from "ui-kit/page/words.ts";
import { KEYS } from "./actions.ts";
import type { Place } from "./header.tsx";
import { secondsLeft } from "./offer.ts";

/** The offer to take the last step back, at a place of its own, so that nothing moves when it comes and goes. */
export function UndoButton({ here, words, onUndo }: { here: Place; words: Words; onUndo: () => void }) {
  const { desk, hall, hasKeys } = here;
  const offer = desk.offer.value;
  const left = secondsLeft(offer, hall.now.value);
  return (
    <button class="quiet undo" data-testid="undo" disabled={left === 0} aria-disabled={desk.isBusy.value} aria-keyshortcuts={hasKeys.value ? KEYS.undo : undefined} onClick={onUndo}>
      <span>
        {words.say("undo")}
        {offer && left > 0 && <small>{words.say(offer.say, { number: offer.number, also: offer.also })} · {words.say("undo_left", { left })}</small>}
      </span> {hasKeys.value && <kbd>{KEYS.undo}</kbd>}
    </button>
  );
}
