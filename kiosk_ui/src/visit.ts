/**
 * One customer's visit to the kiosk, from the first touch until the ticket is out: what was chosen and which screen shows.
 *
 * The key of an attempt to issue belongs to the visit and the choice: trying again after a lost answer can give no second ticket.
 */
import { signal } from "@preact/signals";
import { newKey, type ApiClient } from "ui-kit/api/client.ts";
import { Problem } from "ui-kit/api/problems.ts";
import type { Service, Ticket } from "ui-kit/api/types.ts";

export type Screen =
  | { kind: "language" }
  | { kind: "services" }
  | { kind: "issuing"; service: Service }
  | { kind: "ticket"; ticket: Ticket; service: Service }
  | { kind: "closed"; service: Service; isLimit: boolean; until: string | null }
  | { kind: "lost"; service: Service }
  | { kind: "refused" };

export const screen = signal<Screen>({ kind: "language" });
export const language = signal("en");
export const isLarge = signal(false);
export const care = signal<string | null>(null);
/** The branch's token is no longer taken; staff must enter another. */
export const isLockedOut = signal(false);

let attempt: { wish: string; key: string } | null = null;

export function chooseLanguage(chosen: string): void {
  language.value = chosen;
  screen.value = { kind: "services" };
}

export function backToServices(): void {
  screen.value = { kind: "services" };
}

/** The visit is over: nothing of it may be seen by the next customer. */
export function startOver(home: Screen["kind"] & ("language" | "services"), homeLanguage: string): void {
  screen.value = { kind: home };
  language.value = homeLanguage;
  isLarge.value = false;
  care.value = null;
  attempt = null;
}

export async function takeTicket(api: ApiClient, service: Service): Promise<void> {
  if (screen.value.kind === "issuing") return;
  if (!service.open) return refuse(service, service.reason === "limit_reached", service.until);
  screen.value = { kind: "issuing", service };
  const wish = { service: service.id, care: care.value ?? undefined, language: language.value, channel: "kiosk" };
  try {
    const { ticket } = await api.command("/tickets", wish, keyFor(JSON.stringify(wish)));
    attempt = null;
    screen.value = { kind: "ticket", ticket: ticket!, service };
  } catch (failure) {
    explain(failure, service);
  }
}

function keyFor(wish: string): string {
  if (attempt?.wish !== wish) attempt = { wish, key: newKey() };
  return attempt.key;
}

function explain(failure: unknown, service: Service): void {
  if (!(failure instanceof Problem) || failure.isPassing) {
    screen.value = { kind: "lost", service };
  } else if (failure.code === "service_closed" || failure.code === "limit_reached") {
    refuse(service, failure.code === "limit_reached", failure.reopensAt);
  } else {
    isLockedOut.value = failure.status === 401 || failure.status === 403;
    screen.value = { kind: "refused" };
  }
}

function refuse(service: Service, isLimit: boolean, until: string | null): void {
  screen.value = { kind: "closed", service, isLimit, until };
}
