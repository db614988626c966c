import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { can, type Right } from "../lib/session";
import { ask, type Question } from "./dialog";
import { Icon, type IconName } from "./icons";
import { complain, tell } from "./toast";

interface ActionProps {
  label: string;
  run: () => Promise<unknown> | unknown;
  right?: Right; // without it there is no button
  icon?: IconName;
  kind?: "primary" | "danger" | "plain";
  confirm?: Question;
  done?: string; // what to tell afterwards
  disabled?: boolean;
  iconOnly?: boolean;
  submit?: boolean; // of the form around it
}

// Action is a button that does something: it asks first if it has to, cannot be pressed
// twice, and shows what went wrong.
export function Action({ label, run, right, icon, kind, confirm, done, disabled, iconOnly, submit }: ActionProps) {
  const [busy, setBusy] = useState(false);
  if (!can(right)) return null;
  const click = async (e: Event) => {
    e.preventDefault();
    e.stopPropagation();
    if (confirm && !(await ask(confirm))) return;
    setBusy(true);
    try {
      await run();
      if (done) tell(done);
    } catch (error) {
      complain(error);
    }
    setBusy(false);
  };
  return (
    <button type={submit ? "submit" : "button"} class={kind} disabled={busy || disabled} aria-busy={busy} aria-label={iconOnly ? label : undefined} title={iconOnly ? label : undefined} onClick={click}>
      {icon && <Icon name={icon} />}
      {!iconOnly && label}
    </button>
  );
}

// Allowed shows something only to operators with a right.
export const Allowed = ({ right, children }: { right: Right; children: ComponentChildren }) => (can(right) ? <>{children}</> : null);
