import type { Counter, Ticket } from "ui-kit/api/types.ts";
import type { Words } from "ui-kit/page/words.ts";
import { serviceName } from "./current_ticket.tsx";
import type { Place } from "./header.tsx";
import { type Option, Question } from "./question.tsx";

/** For a branch that has configured none, where any reason is taken. */
const PAUSE_REASONS = ["break", "paperwork", "meeting", "help"];
const HELP_REASONS = ["question", "approval", "language", "security"];

interface QuestionProps {
  here: Place;
  words: Words;
  onDone: () => void;
}

export function PauseDialog({ here: { desk, hasKeys, configuration }, words, onDone }: QuestionProps) {
  const configured = configuration.value.pause_reasons.map(({ id, name }) => ({ id, label: words.name(name) }));
  const usual = PAUSE_REASONS.map((id) => ({ id, label: words.say(`pause.${id}`) }));
  const options = (configured.length > 0 ? configured : usual).map(({ id, label }) => ({
    id: `pause-${id}`,
    label,
    choose: () => void desk.onCounter("pause", { reason: id }),
  }));
  return <Question title={words.say("pause.title")} groups={[{ label: "", options }]} hasKeys={hasKeys.value} words={words} onDone={onDone} />;
}

export function HelpDialog({ here: { desk, hasKeys }, words, onDone }: QuestionProps) {
  const options = HELP_REASONS.map((id) => ({ id: `help-${id}`, label: words.say(`help_reason.${id}`), choose: () => void desk.callForHelp(id) }));
  return <Question title={words.say("help.title")} groups={[{ label: "", options }]} hasKeys={hasKeys.value} words={words} onDone={onDone} />;
}

export function OutcomeDialog({ here: { desk, hasKeys, configuration }, words, onDone }: QuestionProps) {
  const options = configuration.value.outcomes.map(({ id, name }) => ({
    id: `outcome-${id}`,
    label: words.name(name),
    choose: () => void desk.step("finish", { outcome: id }),
  }));
  const title = words.say("outcome.title", { number: desk.ticket.value?.number ?? "" });
  return <Question title={title} groups={[{ label: "", options }]} hasKeys={hasKeys.value} words={words} onDone={onDone} />;
}

/** Somebody who has taken no ticket stands at the counter. */
export function ServeDialog({ here: { hall, desk, hasKeys }, words, onDone }: QuestionProps) {
  const options = (hall.state.value?.services ?? []).map(({ id, name }) => ({ id: `serve-${id}`, label: words.name(name), choose: () => void desk.serve(id) }));
  return <Question title={words.say("serve.title")} groups={[{ label: "", options }]} hasKeys={hasKeys.value} words={words} onDone={onDone} />;
}

interface TicketsProps extends QuestionProps {
  tickets: Ticket[];
}

export function UnparkDialog({ here, words, onDone, tickets }: TicketsProps) {
  const options = tickets.map((ticket) => ticketOption(here, words, ticket, () => here.desk.unpark(ticket.ticket_id)));
  return <Question title={words.say("unpark.title")} groups={[{ label: "", options }]} hasKeys={here.hasKeys.value} words={words} onDone={onDone} />;
}

export function CallBackDialog({ here, words, onDone, tickets }: TicketsProps) {
  const options = tickets.map((ticket) => ticketOption(here, words, ticket, () => here.desk.callBack(ticket.ticket_id)));
  return <Question title={words.say("call_back.title")} groups={[{ label: "", options }]} hasKeys={here.hasKeys.value} words={words} onDone={onDone} />;
}

function ticketOption(here: Place, words: Words, ticket: Ticket, act: () => Promise<void>): Option {
  return { id: `choose-${ticket.number}`, label: `${ticket.number} – ${serviceName(here, words, ticket.service)}`, choose: () => void act() };
}

export function TransferDialog({ here, words, counter, onDone }: QuestionProps & { counter: Counter }) {
  const { hall, desk, hasKeys } = here;
  const ticket = desk.ticket.value;
  const state = hall.state.value;
  if (!ticket || !state) return null;
  const services = state.services.filter(({ id }) => id !== ticket.service).map(({ id, name }) => ({
    id: `transfer-service-${id}`,
    label: words.name(name),
    choose: () => void desk.transfer({ service: id }),
  }));
  const counters = state.counters.filter(({ id, state }) => id !== counter.id && state !== "closed").map(({ id, number }) => ({
    id: `transfer-counter-${id}`,
    label: words.say("counter_number", { number: String(number) }),
    choose: () => void desk.transfer({ counter: id }),
  }));
  const groups = [{ label: words.say("transfer.service"), options: services }, { label: words.say("transfer.counter"), options: counters }];
  return <Question title={words.say("transfer.title", { number: ticket.number })} groups={groups} hasKeys={hasKeys.value} words={words} onDone={onDone} />;
}
