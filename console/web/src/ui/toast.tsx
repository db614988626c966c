// Short messages at the edge of the page.
import { signal } from "@preact/signals";
import { messageOf } from "../lib/api";
import { Icon } from "./icons";

interface Toast {
  id: number;
  text: string;
  error: boolean;
}

const toasts = signal<Toast[]>([]);
let last = 0;

const drop = (id: number) => (toasts.value = toasts.value.filter((t) => t.id !== id));

// tell shows that something was done, complain shows an error, which stays longer.
export const tell = (text: string) => show(text, false);
export const complain = (error: unknown) => show(messageOf(error), true);

function show(text: string, error: boolean): void {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-3), { id, text, error }];
  setTimeout(() => drop(id), error ? 12_000 : 4_000);
}

// Toasts shows the messages. It is a popover, and opened again for each of them, so that
// they are above dialogs.
export const Toasts = () => (
  <div
    class="toasts"
    popover="manual"
    ref={(e) => {
      if (e?.matches(":popover-open")) e.hidePopover();
      if (toasts.peek().length > 0) e?.showPopover();
    }}
  >
    {toasts.value.map((t) => (
      <div key={t.id} class={t.error ? "toast error" : "toast"} role={t.error ? "alert" : "status"}>
        <Icon name={t.error ? "warning" : "check"} />
        <span>{t.text}</span>
        <button class="plain" aria-label="Dismiss" onClick={() => drop(t.id)}>
          <Icon name="close" />
        </button>
      </div>
    ))}
  </div>
);
