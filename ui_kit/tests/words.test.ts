import { describe, expect, it } from "vitest";
import { type Catalogue, catalogues, chooseLanguage, Words } from "../page/words.ts";
import css from "../styles/tokens.css?raw";

const FILES = import.meta.glob<Record<string, Catalogue>>("../languages/*.json", { eager: true, import: "default" });
const SECTIONS = ["common", "kiosk", "display", "counter"];
const ENGLISH = FILES["../languages/en.json"]!;
const ALL = catalogues(...SECTIONS.map((section) => Object.fromEntries(Object.entries(FILES).map(([path, file]) => [path, file[section]!]))));
const stem = (key: string) => key.replace(/\.(zero|one|other)$/, "");
const places = (message: string) => [...message.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe("catalogues", () => {
  for (const [path, file] of Object.entries(FILES)) {
    it(`${path} has every message with the same places`, () => {
      for (const section of SECTIONS) {
        const own = new Map(Object.entries(file[section]!).map(([key, message]) => [key, message]));
        expect(new Set([...own.keys()].map(stem))).toEqual(new Set(Object.keys(ENGLISH[section]!).map(stem)));
        for (const [key, message] of own) expect(places(message), key).toEqual(places(ENGLISH[section]![key] ?? ""));
      }
    });
  }

  it("have a sentence for the same problems in every other language", () => {
    const others = Object.values(FILES).filter((file) => file !== ENGLISH).map((file) => Object.keys(file.problems!).sort());
    for (const keys of others) expect(keys).toEqual(others[0]);
  });
});

describe("words", () => {
  const en = new Words("en", ALL, "Asia/Hong_Kong");
  const hant = new Words("zh-Hant", ALL, "Asia/Hong_Kong");

  it("choose the form for a count", () => {
    expect([0, 1, 2, 1200].map((count) => en.say("ahead", { count }))).toEqual(["Nobody ahead of you", "1 person ahead", "2 people ahead", "1,200 people ahead"]);
    expect([0, 1].map((count) => hant.say("ahead", { count }))).toEqual(["前面無人等候", "前面有 1 人"]);
  });

  it("give a wait as a range that is never narrower than what is known", () => {
    const ranges: [number | null, number | null][] = [[null, null], [0, 30], [20, 240], [290, 719], [600, 600]];
    expect(ranges.map(([p50, p90]) => en.range(p50, p90))).toEqual([null, "under 1 min", "up to 4 min", "4–12 min", "about 10 min"]);
  });

  it("give a wait that has passed", () => {
    expect([0, 59, 60, 3_900].map((seconds) => en.waited(seconds))).toEqual(["0 min", "0 min", "1 min", "1 h 05 min"]);
  });

  it("give times in the branch's own zone, with the day when it is another", () => {
    expect(en.time("2026-11-23T01:05:00.000Z")).toBe("09:05");
    expect(en.time("2026-11-23T16:05:00.000Z")).toBe("00:05");
    const now = Date.parse("2026-11-23T01:00:00.000Z");
    expect(en.moment("2026-11-23T05:00:00.000Z", now)).toBe("13:00");
    expect(en.moment("2026-11-24T01:00:00.000Z", now)).toContain("Tuesday");
  });

  it("give a name in the nearest language there is", () => {
    expect(hant.name({ en: "Cash", "zh-Hant": "現金" })).toBe("現金");
    expect(hant.name({ en: "Cash" })).toBe("Cash");
    expect(hant.name({ fr: "Espèces" })).toBe("Espèces");
    expect(hant.name(undefined)).toBe("");
  });

  it("find a browser's language among those offered", () => {
    const offered = ["en", "zh-Hans", "zh-Hant"];
    expect([["zh-TW"], ["zh-CN"], ["zh"], ["en-GB"], ["", "fr"]].map((wanted) => chooseLanguage(wanted, offered))).toEqual(["zh-Hant", "zh-Hans", "zh-Hans", "en", "en"]);
  });
});

describe("design tokens", () => {
  const token = (name: string) => css.match(new RegExp(`--${name}: (#[0-9a-f]{6})`))![1]!;
  const linear = (part: number) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = (hex: string) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => sum + weight * linear(parseInt(hex.slice(1 + 2 * index, 3 + 2 * index), 16) / 255), 0);
  const contrast = (a: string, b: string) => {
    const [dark, light] = [luminance(token(a)), luminance(token(b))].sort((x, y) => x - y) as [number, number];
    return (light + 0.05) / (dark + 0.05);
  };
  const pairs = [
    ["ink", "paper"], ["ink", "sheet"], ["ink-soft", "paper"], ["ink-soft", "sheet"], ["on-brand", "brand"], ["on-brand", "brand-deep"], ["brand-deep", "sheet"], ["brand-deep", "brand-tint"],
    ["brand", "paper"], ["ink", "brand-tint"], ["ink-soft", "brand-tint"], ["alert", "alert-tint"], ["notice", "notice-tint"], ["on-night", "night"], ["on-night", "night-raised"], ["on-night-soft", "night"],
    ["gold", "night"], ["gold", "night-raised"], ["night-alert", "night"], ["ink", "line"],
  ];

  for (const [text, ground] of pairs) it(`${text} on ${ground} is 7:1 or better`, () => expect(contrast(text!, ground!)).toBeGreaterThanOrEqual(7));
});
