/** A modal of the browser's own: it keeps the focus inside and gives it back afterwards. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function Dialog({ label, onCancel, children }: { label: string; onCancel: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    return () => dialog.current?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-label={label} onCancel={(event) => { event.preventDefault(); onCancel(); }}>
      {children}
    </dialog>
  );
}
