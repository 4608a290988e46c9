import type { ApiClient } from "ui-kit/api/client.ts";
import type { Service } from "ui-kit/api/types.ts";
import type { Words } from "ui-kit/page/words.ts";
import { Notice } from "./notice_screen.tsx";
import { care, takeTicket } from "./visit.ts";

const CARES = ["elderly", "disabled", "pregnant", "with_infant", "service_member"];

/** What a tile says by the reason why nothing is issued. */
const SHUT: Record<string, string> = { limit_reached: "tile.limit", day_closed: "tile.day_closed" };

interface ServicesProps {
  services: Service[] | null;
  isStale: boolean;
  now: number;
  words: Words;
  api: ApiClient;
}

export function Services({ services, isStale, now, words, api }: ServicesProps) {
  if (services === null) return <Notice title={words.say("starting.title")} text={words.say("starting.explain")} isBusy testId="starting" />;
  const isAnyOpen = services.some(({ open }) => open);
  return (
    <>
      {isAnyOpen ? <h2>{words.say("choose_service")}</h2> : <AllClosed services={services} now={now} words={words} />}
      <ul class={isStale ? "tiles stale" : "tiles"}>
        {services.map((service) => (
          <li key={service.id}>
            <button class={service.open ? "tile" : "tile shut"} data-testid={`service-${service.id}`} onClick={() => void takeTicket(api, service)}>
              <b>{words.name(service.name)} {service.open && <span class="go" aria-hidden="true">›</span>}</b>
              {service.open ? <Wait service={service} words={words} /> : <Shut service={service} now={now} words={words} />}
            </button>
          </li>
        ))}
      </ul>
      {isAnyOpen && <Care words={words} />}
    </>
  );
}

function Wait({ service, words }: { service: Service; words: Words }) {
  const range = words.range(service.p50_seconds, service.p90_seconds);
  return (
    <span class="wait">
      <span data-testid={`ahead-${service.id}`}>{words.say("ahead", { count: service.ahead ?? service.waiting })}</span>
      <span class="range">{range ? words.say("tile.wait", { range }) : words.say("wait_unknown")}</span>
    </span>
  );
}

/** Nothing can be had now: say so, and when to come back. */
function AllClosed({ services, now, words }: { services: Service[]; now: number; words: Words }) {
  const [first] = services.flatMap(({ until }) => until ?? []).sort();
  return (
    <div class="all-closed" data-testid="all-closed">
      <h2>{words.say("all_closed.title")}</h2>
      <p>{first ? words.say("all_closed.explain", { time: words.moment(first, now) }) : words.say("closed.explain_unknown")}</p>
    </div>
  );
}

function Shut({ service, now, words }: { service: Service; now: number; words: Words }) {
  return (
    <span class="wait">
      <span>{words.say(SHUT[service.reason ?? ""] ?? "tile.closed")}</span>
      {service.until && <span>{words.say("tile.opens", { time: words.moment(service.until, now) })}</span>}
    </span>
  );
}

/** A plain question that may be left unanswered; touching the choice again takes it back. */
function Care({ words }: { words: Words }) {
  return (
    <section class="care" aria-labelledby="care-question">
      <div class="question">
        <h3 id="care-question">{words.say("care.question")}</h3>
        <p>{words.say("care.explain")}</p>
      </div>
      <ul>
        {CARES.map((kind) => (
          <li key={kind}>
            <button class="quiet" aria-pressed={care.value === kind} data-testid={`care-${kind}`} onClick={() => (care.value = care.value === kind ? null : kind)}>
              {words.say(`care.${kind}`)}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
