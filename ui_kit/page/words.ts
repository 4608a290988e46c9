/** A screen's words in one language: catalogue messages, numbers, times and waits. */
import type { Names } from "../api/types.ts";

export type Catalogue = Record<string, string>;
type Values = Record<string, string | number>;

export const FALLBACK_LANGUAGE = "en";

const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DATE: Intl.DateTimeFormatOptions = { weekday: "long", day: "numeric", month: "long" };

export class Words {
  private readonly plural: Intl.PluralRules;
  private readonly number: Intl.NumberFormat;

  constructor(
    readonly language: string,
    private readonly catalogues: Record<string, Catalogue>,
    readonly timeZone?: string,
  ) {
    this.plural = new Intl.PluralRules(language);
    this.number = new Intl.NumberFormat(language);
  }

  has(key: string): boolean {
    return this.find(key) !== undefined;
  }

  /** The message *key* with its `{places}` filled; a `count` chooses `key.zero`, `key.one` or `key.other` where they exist. */
  say(key: string, values: Values = {}): string {
    const form = this.pluralForm(key, values.count);
    const message = form ?? this.find(key) ?? key;
    return message.replace(/\{(\w+)\}/g, (whole, name: string) => this.show(values[name] ?? whole));
  }

  /** A name of the bank's own, in this language or the nearest one there is. */
  name(names: Names | undefined): string {
    if (!names) return "";
    return names[this.language] ?? names[this.language.split("-")[0]!] ?? names[FALLBACK_LANGUAGE] ?? Object.values(names)[0] ?? "";
  }

  count(value: number): string {
    return this.number.format(value);
  }

  time(at: string | number): string {
    return this.format(at, CLOCK);
  }

  date(at: string | number): string {
    return this.format(at, DATE);
  }

  dateAndTime(at: string | number): string {
    return this.format(at, { ...DATE, ...CLOCK });
  }

  /** A moment to come: the time alone when it is today, with the day otherwise. */
  moment(at: string, now: number): string {
    const isToday = this.date(at) === this.date(now);
    return isToday ? this.time(at) : this.dateAndTime(at);
  }

  /** The wait to expect, "5–12 min"; null when nothing is known. */
  range(p50: number | null, p90: number | null): string | null {
    if (p50 === null || p90 === null) return null;
    const [low, high] = [Math.floor(p50 / 60), Math.max(1, Math.ceil(p90 / 60))];
    if (high <= 1) return this.say("wait.soon");
    if (low < 1) return this.say("wait.up_to", { high });
    return low === high ? this.say("wait.about", { high }) : this.say("wait.range", { low, high });
  }

  /** A wait that has passed, in whole minutes: "12 min", "1 h 05 min". */
  waited(seconds: number): string {
    const minutes = Math.max(0, Math.floor(seconds / 60));
    if (minutes < 60) return this.say("wait.minutes", { minutes });
    return this.say("wait.hours", { hours: Math.floor(minutes / 60), minutes: String(minutes % 60).padStart(2, "0") });
  }

  private pluralForm(key: string, count: unknown): string | undefined {
    if (typeof count !== "number") return undefined;
    const zero = count === 0 ? this.find(`${key}.zero`) : undefined;
    return zero ?? this.find(`${key}.${this.plural.select(count)}`) ?? this.find(`${key}.other`);
  }

  private find(key: string): string | undefined {
    return this.catalogues[this.language]?.[key] ?? this.catalogues[FALLBACK_LANGUAGE]?.[key];
  }

  private show(value: string | number): string {
    return typeof value === "number" ? this.number.format(value) : value;
  }

  private format(at: string | number, options: Intl.DateTimeFormatOptions): string {
    return new Intl.DateTimeFormat(this.language, { ...options, timeZone: this.timeZone }).format(new Date(at));
  }
}

/** Glue what `import.meta.glob` finds (path to section) into catalogues by language tag. */
export function catalogues(...globs: Record<string, Catalogue>[]): Record<string, Catalogue> {
  const found: Record<string, Catalogue> = {};
  for (const glob of globs) {
    for (const [path, section] of Object.entries(glob)) {
      const language = path.replace(/^.*\//, "").replace(/\.json$/, "");
      found[language] = { ...found[language], ...section };
    }
  }
  return found;
}

/** The best of *offered* for what somebody *wanted* ("zh-TW" finds zh-Hant). */
export function chooseLanguage(wanted: readonly string[], offered: readonly string[]): string {
  for (const tag of wanted) {
    const script = /^zh/i.test(tag) ? (/hant|tw|hk|mo/i.test(tag) ? "zh-Hant" : "zh-Hans") : tag;
    const found = offered.find((language) => language === tag || language === script || language === tag.split("-")[0]);
    if (found) return found;
  }
  return offered[0] ?? FALLBACK_LANGUAGE;
}
