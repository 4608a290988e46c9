import type { ComponentChildren } from "preact";

interface NoticeProps {
  title: string;
  text?: string;
  more?: string;
  isBusy?: boolean;
  testId?: string;
  children?: ComponentChildren;
}

/** One thing to say, and what to do about it. */
export function Notice({ title, text, more, isBusy = false, testId, children }: NoticeProps) {
  return (
    <section class="notice" data-testid={testId} role="status">
      {isBusy && <span class="working" aria-hidden="true" />}
      <h2>{title}</h2>
      {text && <p>{text}</p>}
      {more && <p>{more}</p>}
      {children && <div class="choices">{children}</div>}
    </section>
  );
}
