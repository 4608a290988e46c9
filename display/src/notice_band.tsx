import type { ReadonlySignal } from "@preact/signals";
import type { BoardState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";
import type { Words } from "ui-kit/page/words.ts";
import { inTurn, type Notes, standing } from "./notices.ts";

/** Texts of more letters than this are written smaller, so that the calls keep their room. */
const LONG = 110;
const LONGEST = 260;

/** One notice below the calls, which make room for it. */
export function NoticeBand({ hall, words, notes, turnMs }: { hall: Hall<BoardState>; words: Words; notes: ReadonlySignal<Notes>; turnMs: number }) {
  const now = hall.now.value;
  const said = hall.state.value ? standing(hall.state.value, now).filter(({ text, announcement }) => text || notes.value[announcement]) : [];
  const notice = inTurn(said, now, turnMs);
  if (!notice) return null;
  const text = notice.text ? words.name(notice.text) : notes.value[notice.announcement]!;
  return (
    <aside class={`notice ${text.length > LONGEST ? "longest" : text.length > LONG ? "long" : ""}`} aria-label={words.say("notice")} data-testid="notice">
      <b>{words.say("notice")}</b> <p>{text}</p>
    </aside>
  );
}
