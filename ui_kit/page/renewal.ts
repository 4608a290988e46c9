/**
 * A page that stands for weeks creeps in memory until the browser dies, and shows yesterday's build after an update. So it starts
 * anew each night, and when the server has another build.
 *
 * Never while somebody uses it, and only when the server has just given the page: a reload without a server would leave the
 * browser's own error page in the hall.
 */
import { within } from "../api/patience.ts";
import type { FeedState } from "../feed/messages.ts";
import type { Hall } from "./hall.ts";

const LOOK_EVERY_MS = 5 * 60_000;
const TIMEOUT_MS = 5_000;
const NIGHT_HOUR = 3;
/** Longer than the night's hour: once a night is enough. */
const YOUNG_MS = 2 * 3_600_000;
const PAGE_MARK = 'id="page"';

export function renewPage<S extends FeedState>(hall: Hall<S>, isIdle: () => boolean): void {
  const isFree = () => hall.isLive.value && isIdle();
  const isOld = () => performance.now() > YOUNG_MS && isNight(hall.now.value, hall.state.value?.branch.time_zone);
  const look = async () => {
    const html = isFree() ? await readPage().catch(() => null) : null;
    // Somebody may have touched the screen while the page was read.
    if (html?.includes(PAGE_MARK) && isFree() && (isOld() || isOtherBuild(html, assets()))) location.reload();
  };
  setInterval(() => void look(), LOOK_EVERY_MS);
}

/** From three to four o'clock where the branch is. */
export function isNight(now: number, timeZone: string | undefined): boolean {
  return Number(new Intl.DateTimeFormat("en", { hour: "2-digit", hourCycle: "h23", timeZone }).format(now)) === NIGHT_HOUR;
}

/** The names of scripts and styles hold their hashes: a page of the same build asks for the same ones. */
export function isOtherBuild(html: string, own: readonly string[]): boolean {
  return own.some((address) => !html.includes(address));
}

function assets(): string[] {
  return Array.from(document.querySelectorAll("script[src], link[rel=stylesheet]"), (part) => part.getAttribute("src") ?? part.getAttribute("href")!);
}

function readPage(): Promise<string> {
  return within(TIMEOUT_MS, async (signal) => {
    const response = await fetch(location.pathname, { cache: "no-store", signal });
    return response.ok ? response.text() : "";
  });
}
