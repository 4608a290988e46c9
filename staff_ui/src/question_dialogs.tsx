import { useLayoutEffect } from "preact/hooks";
import type { Counter } from "ui-kit/api/types.ts";
import { Dialog } from "ui-kit/page/dialog.tsx";
import type { Words } from "ui-kit/page/words.ts";
import type { Place } from "./header.tsx";

const PAUSE_REASONS = ["break", "paperwork", "meeting", "help"];

interface Option {
  id: string;
  label: string;
  choose: () => void;
}

interface QuestionProps {
  here: Place;
  words: Words;
  onDone: () => void;
}

export function PauseDialog({ here: { desk, hasKeys }, words, onDone }: QuestionProps) {
  const options = PAUSE_REASONS.map((reason) => ({
    id: `pause-${reason}`,
    label: words.say(`pause.${reason}`),
    choose: () => void desk.onCounter("pause", { reason }),
  }));
  return <Question title={words.say("pause.title")} groups={[{ label: "", options }]} hasKeys={hasKeys.value} words={words} onDone={onDone} />;
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

interface AskProps {
  title: string;
  groups: { label: string; options: Option[] }[];
  hasKeys: boolean;
  words: Words;
  onDone: () => void;
}

/** A question whose answers are on the keys 1 to 9; Escape takes it back. */
function Question({ title, groups, hasKeys, words, onDone }: AskProps) {
  const options = groups.flatMap((group) => group.options);
  const choose = (option: Option) => { onDone(); option.choose(); };
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      const option = hasKeys && /^[1-9]$/.test(event.key) ? options[Number(event.key) - 1] : undefined;
      if (option) choose(option);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  return (
    <Dialog label={title} onCancel={onDone}>
      <h2>{title}</h2>
      {groups.filter((group) => group.options.length > 0).map((group) => (
        <div key={group.label} class="answers">
          {group.label && <h3>{group.label}</h3>}
          {group.options.map((option) => (
            <button key={option.id} class="quiet" data-testid={option.id} onClick={() => choose(option)}>
              <span>{option.label}</span> {hasKeys && options.indexOf(option) < 9 && <kbd>{options.indexOf(option) + 1}</kbd>}
            </button>
          ))}
        </div>
      ))}
      <button class="quiet cancel" data-testid="cancel" onClick={onDone}><span>{words.say("cancel")}</span> <kbd>Esc</kbd></button>
    </Dialog>
  );
}
