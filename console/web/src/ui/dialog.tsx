// Dialogs over the page. The browser's <dialog> keeps the focus inside and closes on Esc.
import { effect, signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { token } from "../lib/session";
import { complain } from "./toast";

interface Open {
  id: number;
  render: () => JSX.Element;
}

const dialogs = signal<Open[]>([]);
let last = 0;

// Whoever signs out leaves the dialogs, too.
effect(() => {
  if (!token.value) dialogs.value = [];
});

// show opens a dialog. It returns what close was called with, and undefined if the
// operator dismissed it. It never returns if they signed out.
export function show<T>(render: (close: (result?: T) => void) => JSX.Element): Promise<T | undefined> {
  return new Promise((resolve) => {
    const id = ++last;
    const close = (result?: T) => {
      dialogs.value = dialogs.value.filter((d) => d.id !== id);
      resolve(result);
    };
    dialogs.value = [...dialogs.value, { id, render: () => render(close) }];
  });
}

export const Dialogs = () => (
  <>
    {dialogs.value.map((d) => (
      <d.render key={d.id} />
    ))}
  </>
);

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}

// Dialog is the frame of one.
export function Dialog({ title, onClose, children, wide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const e = element.current!;
    e.showModal();
    return () => e.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "wide" : ""}
      aria-label={title}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
    >
      <h2>{title}</h2>
      {children}
    </dialog>
  );
}

interface FormDialogProps {
  title: string;
  action: string; // what the button says
  danger?: boolean;
  wide?: boolean;
  disabled?: boolean;
  onClose: () => void;
  onSubmit: () => Promise<void> | void; // an error is shown, and the dialog stays open
  children?: ComponentChildren;
}

// FormDialog is a dialog with fields and a button that sends them.
export function FormDialog({ title, action, danger, wide, disabled, onClose, onSubmit, children }: FormDialogProps) {
  const [busy, setBusy] = useState(false);
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      await onSubmit();
    } catch (error) {
      complain(error);
    }
    setBusy(false);
  };
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form onSubmit={submit}>
        {children}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button class={danger ? "danger" : "primary"} disabled={busy || disabled}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export interface Question {
  title: string;
  text?: ComponentChildren;
  action: string;
  danger?: boolean;
  word?: string; // has to be typed first
}

// ask asks whether to do something.
export async function ask(q: Question): Promise<boolean> {
  return (await show<boolean>((close) => <Confirm {...q} close={close} />)) ?? false;
}

function Confirm({ title, text, action, danger, word, close }: Question & { close: (yes?: boolean) => void }) {
  const [typed, type] = useState("");
  return (
    <FormDialog title={title} action={action} danger={danger} disabled={!!word && typed !== word} onClose={() => close(false)} onSubmit={() => close(true)}>
      <p>{text}</p>
      {word && (
        <label class="field">
          <span>
            Type <b>{word}</b> to go on
          </span>
          <input value={typed} autocomplete="off" onInput={(e) => type(e.currentTarget.value)} />
        </label>
      )}
    </FormDialog>
  );
}
