/** What the kiosk shows of the services: the feed's picture, or the one read over HTTP while the feed is away. */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import type { ApiClient } from "ui-kit/api/client.ts";
import type { Service } from "ui-kit/api/types.ts";
import type { BoardState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";

const READ_EVERY_MS = 5_000;
const FRESH_MS = 15_000;

export interface Picture {
  services: ReadonlySignal<Service[] | null>;
  /** When the picture was last known to be true; null while it is. */
  staleSince: ReadonlySignal<number | null>;
}

export function watchServices(hall: Hall<BoardState>, api: ApiClient): Picture {
  const read = signal<{ services: Service[]; at: number } | null>(null);
  const refresh = async () => {
    if (hall.isLive.value) return;
    const answer = await api.read<{ services: Service[] }>("/services").catch(() => null);
    if (answer) read.value = { services: answer.services, at: hall.now.value };
  };
  void refresh();
  setInterval(() => void refresh(), READ_EVERY_MS);
  const services = computed(() => {
    const fed = hall.state.value?.services ?? null;
    return hall.isLive.value || !isNewer(read.value?.at, hall.lastLiveAt.value) ? fed ?? read.value?.services ?? null : read.value!.services;
  });
  const staleSince = computed(() => {
    const at = Math.max(read.value?.at ?? 0, hall.lastLiveAt.value ?? 0);
    return hall.isLive.value || at === 0 || hall.now.value - at <= FRESH_MS ? null : at;
  });
  return { services, staleSince };
}

function isNewer(readAt: number | undefined, fedAt: number | null): boolean {
  return readAt !== undefined && readAt > (fedAt ?? 0);
}
