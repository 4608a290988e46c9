/** What the address of a page says: `?branch=ID&...#token=...`, and where the push feed is. */
import { within } from "../api/patience.ts";

export interface Address {
  branch: string;
  token: string | null;
  query: URLSearchParams;
}

/** The token stays in the fragment (never sent to a server), or in this tab's storage when it was typed in. */
export function readAddress(): Address {
  const query = new URLSearchParams(location.search);
  const branch = query.get("branch") || "main";
  const fragment = new URLSearchParams(location.hash.slice(1));
  return { branch, token: fragment.get("token") || sessionStorage.getItem(slot(branch)), query };
}

export function rememberToken(branch: string, token: string): void {
  sessionStorage.setItem(slot(branch), token);
}

function slot(branch: string): string {
  return `queue-token ${location.pathname} ${branch}`;
}

const PUSH_URL_TIMEOUT_MS = 5_000;
let knownPushUrl: string | null = null;

/** Where the push feed is: as the server says; when it does not answer in time, as it said before. */
export async function pushUrl(): Promise<string> {
  try {
    knownPushUrl = await within(PUSH_URL_TIMEOUT_MS, askPushUrl);
  } catch (failure) {
    if (knownPushUrl === null) throw failure;
  }
  return knownPushUrl;
}

async function askPushUrl(signal: AbortSignal): Promise<string> {
  const response = await fetch("/ui.json", { cache: "no-store", signal });
  if (!response.ok) throw new Error(`ui.json: ${response.status}`);
  const { push_port: port, push_url: url } = (await response.json()) as { push_port: number; push_url: string | null };
  return url ?? `${location.protocol === "https:" ? "wss" : "ws"}://${location.hostname}:${port}`;
}
