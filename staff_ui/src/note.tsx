import { problemText } from "ui-kit/api/problems.ts";
import type { Words } from "ui-kit/page/words.ts";
import type { Desk } from "./desk.ts";

/** The last refusal or remark, in a sentence, until it is dismissed or the next command is given. */
export function NoteBar({ desk, words }: { desk: Desk; words: Words }) {
  const note = desk.note.value;
  return (
    <div role="alert" data-testid="note">
      {note && (
        <p class={"failure" in note ? "note alert" : "note"}>
          <span>{"failure" in note ? problemText(note.failure, words) : words.say(note.say)}</span>
          <button onClick={() => (desk.note.value = null)}>{words.say("dismiss")}</button>
        </p>
      )}
    </div>
  );
}
