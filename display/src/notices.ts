/**
 * Notices to the hall: which of them this screen shows, and the words of those that are no templates.
 *
 * Such words can be deleted by whoever gave them, so they are asked for again while they are shown.
 */
import { effect, signal, type ReadonlySignal } from "@preact/signals";
import { within } from "ui-kit/api/patience.ts";
import type { Notice } from "ui-kit/api/types.ts";
import type { BoardState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";

const READ_EVERY_MS = 10_000;
const TIMEOUT_MS = 5_000;
/** An older one is told silently: it was given before this screen began to look. */
const FRESH_MS = 5_000;

/** By announcement; null for one that is gone. */
export type Notes = Readonly<Record<string, string | null>>;

/** Those that stand now for the people before this screen, newest first; a notice to a zone is for the screens with a counter there. */
export function standing({ notices, counters }: BoardState, now: number): Notice[] {
  const isHere = (zone: string | null) => zone === null || counters.some((counter) => counter.zone === zone);
  return notices.filter((notice) => isHere(notice.zone) && Date.parse(notice.until) > now);
}

/** The one whose turn it is, the newest first of all; each has *turnMs*. */
export function inTurn(notices: readonly Notice[], now: number, turnMs: number): Notice | undefined {
  const since = notices[0] ? Math.max(0, now - Date.parse(notices[0].at)) : 0;
  return notices[Math.floor(since / turnMs) % notices.length];
}

export function followNotices(hall: Hall<BoardState>, branch: string, token: string, onFresh: () => void): ReadonlySignal<Notes> {
  const notes = signal<Notes>({});
  const read = async ({ announcement }: Notice) => {
    const path = `/v1/branches/${encodeURIComponent(branch)}/announcements/${encodeURIComponent(announcement)}`;
    const text = await within(TIMEOUT_MS, async (abort) => {
      const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store", signal: abort });
      if (answer.status === 404) return null;
      return answer.ok ? ((await answer.json()) as { announcement: { text: string } }).announcement.text : undefined;
    }).catch(() => undefined);
    // Without an answer the last known words stay.
    if (text !== undefined) notes.value = { ...notes.value, [announcement]: text };
  };
  const free = () => (hall.state.value ? standing(hall.state.value, hall.now.peek()).filter(({ text }) => !text) : []);
  const readAll = () => {
    const shown = free();
    notes.value = Object.fromEntries(shown.flatMap(({ announcement: id }) => (id in notes.peek() ? [[id, notes.peek()[id]!]] : [])));
    for (const notice of shown) void read(notice);
  };
  let newest = 0;
  effect(() => {
    const [notice] = hall.state.value ? standing(hall.state.value, hall.now.peek()) : [];
    if (!notice || notice.seq === newest) return;
    newest = notice.seq;
    readAll();
    if (hall.now.peek() - Date.parse(notice.at) < FRESH_MS) onFresh();
  });
  setInterval(readAll, READ_EVERY_MS);
  return notes;
}
