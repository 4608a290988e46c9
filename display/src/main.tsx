import "./display.css";
import { type ReadonlySignal, signal, useComputed } from "@preact/signals";
import { render } from "preact";
import type { Call } from "ui-kit/api/types.ts";
import type { BoardState } from "ui-kit/feed/messages.ts";
import { readAddress } from "ui-kit/page/address.ts";
import { followHall, type Hall } from "ui-kit/page/hall.ts";
import { renewPage } from "ui-kit/page/renewal.ts";
import { TokenForm } from "ui-kit/page/token_form.tsx";
import { chooseLanguage, Words } from "ui-kit/page/words.ts";
import { callsFor } from "./board.ts";
import { Board } from "./board_page.tsx";
import { chime, prepareSound } from "./chime.ts";
import { followNotices, type Notes } from "./notices.ts";
import { CATALOGUES } from "./words.ts";

const LANGUAGE_TURN_MS = 12_000;
const FLASH_MS = 9_000;

const { branch, token, query } = readAddress();
/** Numbers that are being called at this moment: flashed for a while. */
const flashing = signal<ReadonlySet<string>>(new Set());

function announce(calls: Call[]): void {
  for (const { number } of calls) {
    // A recall starts its flash anew; the older timer must not end it early.
    flashing.value = new Set([...flashing.value, number]);
    clearTimeout(timers.get(number));
    timers.set(number, setTimeout(() => calm(number), FLASH_MS));
    chime();
  }
}

const timers = new Map<string, ReturnType<typeof setTimeout>>();

function calm(number: string): void {
  timers.delete(number);
  flashing.value = new Set([...flashing.value].filter((other) => other !== number));
}

/** One language when the address names it, else those of the branch in turn. */
function languageAt(now: number, languages: readonly string[]): string {
  const asked = query.get("lang");
  if (asked) return asked;
  return languages[Math.floor(now / LANGUAGE_TURN_MS) % languages.length] ?? chooseLanguage(navigator.languages, Object.keys(CATALOGUES));
}

function Page({ hall, notes }: { hall: Hall<BoardState>; notes: ReadonlySignal<Notes> }) {
  const branchInfo = hall.state.value?.branch;
  // The hall's clock moves every second, its language rarely: only the language is followed here.
  const language = useComputed(() => languageAt(hall.now.value, hall.state.value?.branch.languages ?? [])).value;
  const words = new Words(language, CATALOGUES, branchInfo?.time_zone);
  document.documentElement.lang = language;
  document.title = words.say("title");
  if (hall.refusal.value !== null && !hall.state.value) return <TokenForm branch={branch} words={words} refusal={hall.refusal.value} />;
  const noticeMs = LANGUAGE_TURN_MS * (query.has("lang") ? 1 : branchInfo?.languages.length || 1);
  return <Board hall={hall} words={words} flashing={flashing} isSingle={query.has("counter")} notes={notes} noticeMs={noticeMs} />;
}

function start(root: HTMLElement): void {
  if (!token) {
    const language = chooseLanguage(navigator.languages, Object.keys(CATALOGUES));
    document.documentElement.lang = language;
    render(<TokenForm branch={branch} words={new Words(language, CATALOGUES)} refusal={null} />, root);
    return;
  }
  prepareSound();
  const hall: Hall<BoardState> = followHall<BoardState>(
    { view: "board", branch, token, zone: query.get("zone"), counter: query.get("counter") },
    (calls) => announce(callsFor(hall.state.value!, calls)),
  );
  renewPage(hall, () => flashing.value.size === 0);
  render(<Page hall={hall} notes={followNotices(hall, branch, token, chime)} />, root);
}

addEventListener("hashchange", () => location.reload());
start(document.getElementById("page")!);
