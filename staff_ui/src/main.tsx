import "./counter.css";
import { computed, signal } from "@preact/signals";
import { render } from "preact";
import { ApiClient } from "ui-kit/api/client.ts";
import type { StaffState } from "ui-kit/feed/messages.ts";
import { readAddress } from "ui-kit/page/address.ts";
import { followHall } from "ui-kit/page/hall.ts";
import { TokenForm } from "ui-kit/page/token_form.tsx";
import { chooseLanguage, Words } from "ui-kit/page/words.ts";
import { ChooseCounter } from "./choose_page.tsx";
import { readSurroundings } from "./configuration.ts";
import { Desk } from "./desk.ts";
import { DeskPage } from "./desk_page.tsx";
import { Header, type Place } from "./header.tsx";
import { CATALOGUES } from "./words.ts";

const LANGUAGE_SLOT = "queue-language";
const KEYS_SLOT = "queue-keys";

const { branch, token } = readAddress();
const installed = Object.keys(CATALOGUES);
const language = signal(chooseLanguage([localStorage.getItem(LANGUAGE_SLOT) ?? "", ...navigator.languages], installed));
const hasKeys = signal(localStorage.getItem(KEYS_SLOT) !== "off");

function place(accepted: string): Place {
  const api = new ApiClient(branch, accepted);
  const hall = followHall<StaffState>({ view: "staff", branch, token: accepted });
  const surroundings = readSurroundings(api, hall);
  const desk = new Desk(api, hall, computed(() => surroundings.configuration.value.undo_seconds));
  return { ...surroundings, hall, desk, hasKeys, setLanguage, setKeys, installed };
}

function setLanguage(chosen: string): void {
  language.value = chosen;
  localStorage.setItem(LANGUAGE_SLOT, chosen);
}

function setKeys(isOn: boolean): void {
  hasKeys.value = isOn;
  localStorage.setItem(KEYS_SLOT, isOn ? "on" : "off");
}

function Page({ here }: { here: Place }) {
  const words = new Words(language.value, CATALOGUES, here.hall.state.value?.branch.time_zone);
  document.documentElement.lang = language.value;
  document.title = words.say("title");
  if (here.hall.refusal.value !== null) return <TokenForm branch={branch} words={words} refusal={here.hall.refusal.value} />;
  const counter = here.desk.counter.value;
  const isSeated = counter !== null && counter.state !== "closed";
  return (
    <div class="staff">
      <Header here={here} words={words} counter={isSeated ? counter : null} />
      {isSeated ? <DeskPage here={here} words={words} counter={counter} /> : <ChooseCounter here={here} words={words} />}
    </div>
  );
}

function start(root: HTMLElement): void {
  const words = new Words(language.value, CATALOGUES);
  document.documentElement.lang = language.value;
  if (!token) render(<TokenForm branch={branch} words={words} refusal={null} />, root);
  else render(<Page here={place(token)} />, root);
}

addEventListener("hashchange", () => location.reload());
start(document.getElementById("page")!);
