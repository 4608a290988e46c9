/**
 * Commands and reads over HTTP.
 *
 * A time-out means "unknown", so a command is repeated with the same key until an answer comes or its patience ends;
 * whoever wants to try again later passes the same key again and can have no double effect.
 */
import { within } from "./patience.ts";
import { Problem, Unreachable } from "./problems.ts";
import type { Receipt } from "./types.ts";

const ATTEMPT_MS = 4_000;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 2_000;
/** After this long a repeated call-next might summon somebody whom nobody awaits any more. */
export const PATIENCE_MS = 8_000;

/** 128 random bits. `crypto.randomUUID` is missing on plain http in a branch's network. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

type Attempt = { answer: unknown } | { failure: unknown; retryAfterMs: number };

export class ApiClient {
  constructor(
    private readonly branch: string,
    private readonly token: string,
    private readonly base = "",
  ) {}

  /** Ask for a change; *path* is below the branch. Throws `Problem` or `Unreachable`. */
  command(path: string, body: object = {}, key = newKey()): Promise<Receipt> {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
    return this.persist({ method: "POST", headers, body: JSON.stringify(body) }, path) as Promise<Receipt>;
  }

  /** Read once; the caller decides when to ask again. */
  async read<T>(path: string): Promise<T> {
    return (await this.fetchOnce({}, path, ATTEMPT_MS)) as T;
  }

  private async persist(init: RequestInit, path: string): Promise<unknown> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LAST_PAUSE_MS, pause * 2)) {
      const outcome = await this.attempt(init, path, giveUpAt);
      if (!("failure" in outcome)) return outcome.answer;
      const wait = Math.max(pause, outcome.retryAfterMs);
      if (performance.now() + wait >= giveUpAt) throw outcome.failure;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  private async attempt(init: RequestInit, path: string, giveUpAt: number): Promise<Attempt> {
    try {
      return { answer: await this.fetchOnce(init, path, Math.min(ATTEMPT_MS, giveUpAt - performance.now())) };
    } catch (failure) {
      if (failure instanceof Problem && !failure.isPassing) throw failure;
      return { failure, retryAfterMs: failure instanceof Problem ? failure.retryAfterMs : 0 };
    }
  }

  private async fetchOnce(init: RequestInit, path: string, timeoutMs: number): Promise<unknown> {
    const headers = { ...init.headers, Authorization: `Bearer ${this.token}` };
    const url = `${this.base}/v1/branches/${encodeURIComponent(this.branch)}${path}`;
    try {
      return await within(timeoutMs, async (signal) => readAnswer(await fetch(url, { ...init, headers, signal, cache: "no-store" })));
    } catch (cause) {
      throw cause instanceof Problem ? cause : new Unreachable(cause);
    }
  }
}

async function readAnswer(response: Response): Promise<unknown> {
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new Problem(response.status, parseObject(text), response.headers.get("Retry-After"));
}

// A proxy in between may answer with a page of its own instead of problem details.
function parseObject(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}
