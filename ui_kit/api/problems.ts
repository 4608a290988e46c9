/** What can go wrong with a request, and how to say it. */
import type { Words } from "../page/words.ts";

/** No answer at all: whether a command had its effect is unknown. */
export class Unreachable extends Error {
  constructor(readonly cause?: unknown) {
    super("The server did not answer.");
  }
}

/** A refusal in the form of RFC 9457; `code` is the stable name. */
export class Problem extends Error {
  readonly code: string;
  readonly detail: string;
  readonly retryAfterMs: number;

  constructor(
    readonly status: number,
    readonly body: Record<string, unknown>,
    retryAfter: string | null = null,
  ) {
    const detail = typeof body.detail === "string" && body.detail ? body.detail : `The server answered ${status}.`;
    super(detail);
    this.detail = detail;
    this.code = typeof body.code === "string" ? body.code : "";
    this.retryAfterMs = (Number(retryAfter) || 0) * 1000;
  }

  /** True when the same request may be answered in a moment. */
  get isPassing(): boolean {
    return this.status === 503 || this.status === 429 || this.status === 502 || this.status === 504;
  }

  /** The instant at which a closed service or a reached limit opens again. */
  get reopensAt(): string | null {
    return typeof this.body.reopens_at === "string" ? this.body.reopens_at : null;
  }
}

/**
 * One readable sentence. The server's own detail is English and names the case exactly; other languages use their
 * sentence for the code, and the detail when they have none.
 */
export function problemText(failure: unknown, words: Words): string {
  if (failure instanceof Unreachable) return words.say("problem.unreachable");
  if (!(failure instanceof Problem)) return words.say("problem.unknown");
  if (words.language.startsWith("en")) return failure.detail;
  return words.has(`problem.${failure.code}`) ? words.say(`problem.${failure.code}`) : failure.detail;
}
