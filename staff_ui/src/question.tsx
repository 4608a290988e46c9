import type { ComponentChildren } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { Dialog } from "ui-kit/page/dialog.tsx";
import type { Words } from "ui-kit/page/words.ts";

export interface Option {
  id: string;
  label: string;
  choose: () => void;
}

interface QuestionProps {
  title: string;
  groups: { label: string; options: Option[] }[];
  hasKeys: boolean;
  words: Words;
  onDone: () => void;
  children?: ComponentChildren;
}

/** A question whose answers are on the keys 1 to 9; Escape takes it back. */
export function Question({ title, groups, hasKeys, words, onDone, children }: QuestionProps) {
  const options = groups.flatMap((group) => group.options);
  const choose = (option: Option) => { onDone(); option.choose(); };
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.repeat || isText(event.target)) return;
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
      {children}
      <button class="quiet cancel" data-testid="cancel" onClick={onDone}><span>{words.say("cancel")}</span> <kbd>Esc</kbd></button>
    </Dialog>
  );
}

/** Where somebody types or chooses, a key is not a command. */
export function isText(target: EventTarget | null): boolean {
  return target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type !== "checkbox");
}
