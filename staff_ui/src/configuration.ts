/** What the page needs of the branch's configuration: names, codes to choose from, and how long a step may be taken back. */
import { computed, effect, signal, type ReadonlySignal } from "@preact/signals";
import type { ApiClient } from "ui-kit/api/client.ts";
import { Problem } from "ui-kit/api/problems.ts";
import type { Names } from "ui-kit/api/types.ts";
import type { StaffState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";

export interface Named {
  id: string;
  name: Names;
}

export interface Profile {
  id: string;
  services?: string[] | null;
}

export interface Configuration {
  tiers: Named[];
  profiles: Profile[];
  pause_reasons: Named[];
  outcomes: Named[];
  announcements: { id: string; text: Names }[];
  undo_seconds: number;
}

const UNKNOWN: Configuration = { tiers: [], profiles: [], pause_reasons: [], outcomes: [], announcements: [], undo_seconds: 30 };

export interface Surroundings {
  configuration: ReadonlySignal<Configuration>;
  /** Whether this token may oversee the hall: announce, and act at any counter. */
  isOverseer: ReadonlySignal<boolean>;
}

export function readSurroundings(api: ApiClient, hall: Hall<StaffState>): Surroundings {
  const configuration = signal(UNKNOWN);
  const isOverseer = signal(false);
  // A change of the configuration sends a fresh snapshot, and only that brings another branch object.
  const branch = computed(() => hall.state.value?.branch);
  effect(() => {
    if (!branch.value) return;
    // Without an answer what was known must do: ids in place of names.
    void api.read<Partial<Configuration>>("").then((read) => (configuration.value = { ...UNKNOWN, ...read })).catch(() => {});
    void mayOversee(api).then((may) => (isOverseer.value = may));
  });
  return { configuration, isOverseer };
}

/** Nothing names the role of a token; but the server looks at the role before the body, and a notice that says nothing is never made. */
async function mayOversee(api: ApiClient): Promise<boolean> {
  try {
    await api.command("/announcements");
    return true;
  } catch (failure) {
    return failure instanceof Problem && failure.status === 422;
  }
}
