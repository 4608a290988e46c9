import type { ApiClient } from "ui-kit/api/client.ts";
import type { BoardState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";
import { TokenForm } from "ui-kit/page/token_form.tsx";
import { Words } from "ui-kit/page/words.ts";
import { Dialog } from "ui-kit/page/dialog.tsx";
import { touch, warning } from "./idle.ts";
import { Notice } from "./notice_screen.tsx";
import type { Picture } from "./picture.ts";
import { Services } from "./services_screen.tsx";
import { TicketScreen } from "./ticket_screen.tsx";
import { backToServices, chooseLanguage, isLarge, isLockedOut, language, screen, takeTicket } from "./visit.ts";
import { CATALOGUES } from "./words.ts";

export interface Parts {
  branch: string;
  api: ApiClient;
  hall: Hall<BoardState>;
  picture: Picture;
  languages: () => string[];
  goHome: () => void;
}

export function Kiosk(parts: Parts) {
  const words = new Words(language.value, CATALOGUES, parts.hall.state.value?.branch.time_zone);
  document.title = words.say("title");
  const refusal = isLockedOut.value ? 4401 : parts.hall.refusal.value;
  if (refusal !== null) return <TokenForm branch={parts.branch} words={words} refusal={refusal} />;
  return (
    <div class="kiosk">
      <Header {...parts} words={words} />
      <LostBanner {...parts} words={words} />
      <main><Screen {...parts} words={words} /></main>
      <Footer {...parts} words={words} />
      {warning.value !== null && <IdleWarning words={words} left={warning.value} goHome={parts.goHome} />}
    </div>
  );
}

type ScreenProps = Parts & { words: Words };

function Screen({ api, hall, picture, languages, goHome, words }: ScreenProps) {
  const shown = screen.value;
  switch (shown.kind) {
    case "language":
      return <Languages languages={languages()} />;
    case "services":
      return <Services services={picture.services.value} isStale={picture.staleSince.value !== null} now={hall.now.value} words={words} api={api} />;
    case "issuing":
      return <Notice title={words.say("issuing")} isBusy />;
    case "ticket":
      return <TicketScreen ticket={shown.ticket} service={shown.service} words={words} goHome={goHome} />;
    case "closed":
      return <Closed {...shown} now={hall.now.value} words={words} />;
    case "lost":
      return (
        <Notice title={words.say("lost.title")} text={words.say("lost.explain")} testId="lost">
          <button class="primary wide" data-testid="try-again" onClick={() => void takeTicket(api, shown.service)}>{words.say("try_again")}</button>
          <button class="quiet wide" onClick={goHome}>{words.say("start_over")}</button>
        </Notice>
      );
    case "refused":
      return (
        <Notice title={words.say("refused.title")} text={words.say("refused.explain")} testId="refused">
          <button class="primary wide" onClick={backToServices}>{words.say("back")}</button>
        </Notice>
      );
  }
}

function Closed({ service, isLimit, until, now, words }: Extract<typeof screen.value, { kind: "closed" }> & { now: number; words: Words }) {
  const kind = isLimit ? "limit" : "closed";
  const when = until ? words.say(`${kind}.explain`, { time: words.moment(until, now) }) : words.say("closed.explain_unknown");
  return (
    <Notice title={words.say(`${kind}.title`, { service: words.name(service.name) })} text={when} more={words.say("closed.what_to_do")} testId="closed">
      <button class="primary wide" onClick={backToServices}>{words.say("back")}</button>
    </Notice>
  );
}

function Languages({ languages }: { languages: string[] }) {
  return (
    <div class="languages">
      <h2>
        {languages.map((tag) => <span key={tag} lang={tag}>{new Words(tag, CATALOGUES).say("welcome")}</span>)}
      </h2>
      <ul>
        {languages.map((tag) => {
          const own = new Words(tag, CATALOGUES);
          return (
            <li key={tag}>
              <button class="primary" lang={tag} data-testid={`language-${tag}`} onClick={() => chooseLanguage(tag)}>
                <b>{own.say("language_name")}</b>
                <span>{own.say("touch_language")}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Header({ hall, words }: ScreenProps) {
  const now = hall.now.value;
  return (
    <header>
      <h1>{words.name(hall.state.value?.branch.name) || words.say("welcome")}</h1>
      <p class="clock"><span>{words.date(now)}</span> <time>{words.time(now)}</time></p>
    </header>
  );
}

function LostBanner({ picture, words }: ScreenProps) {
  const since = picture.staleSince.value;
  const text = since === null ? words.say("live") : words.say("lost.banner", { time: words.time(since) });
  return <p class={since === null ? "unseen" : "banner"} role="status" data-testid="live-state" data-live={since === null}>{text}</p>;
}

function Footer({ languages, goHome, words }: ScreenProps) {
  const kind = screen.value.kind;
  const offered = languages();
  return (
    <footer>
      <button class="quiet" aria-pressed={isLarge.value} data-testid="large-type" onClick={() => (isLarge.value = !isLarge.value)}>
        <span class="letter" aria-hidden="true">A</span> {words.say("large_type")}
      </button>
      {kind !== "language" && offered.length > 1 && offered.map((tag) => (
        <button key={tag} class="quiet" lang={tag} aria-pressed={tag === language.value} data-testid={`language-${tag}`} onClick={() => (language.value = tag)}>
          {new Words(tag, CATALOGUES).say("language_name")}
        </button>
      ))}
      {(kind === "services" || kind === "closed") && offered.length > 1 && <button class="quiet over" data-testid="start-over" onClick={goHome}>{words.say("start_over")}</button>}
    </footer>
  );
}

function IdleWarning({ words, left, goHome }: { words: Words; left: number; goHome: () => void }) {
  return (
    <Dialog label={words.say("idle.title")} onCancel={touch}>
      <h2>{words.say("idle.title")}</h2>
      <p data-testid="idle-warning">{words.say("idle.explain", { count: left })}</p>
      <button class="primary wide" data-testid="still-here" autofocus onClick={touch}>{words.say("idle.stay")}</button>
      <button class="quiet wide" onClick={() => { touch(); goHome(); }}>{words.say("start_over")}</button>
    </Dialog>
  );
}
