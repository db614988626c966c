import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { messageOf } from "../lib/api";
import { can, type Right } from "../lib/session";
import { ask, type Question } from "./dialog";
import { complain, tell } from "./toast";

interface BulkAction {
  label: string;
  right: Right;
  danger?: boolean;
  confirm?: (count: number) => Question;
  run: (key: string) => Promise<unknown>; // for each selected row
  done: (keys: ReadonlySet<string>) => void; // which it worked for
}

interface BulkProps {
  selection: Signal<ReadonlySet<string>>;
  actions: BulkAction[];
}

const together = 4; // calls at a time

// Bulk does something with all selected rows of a table, with its progress, and says which
// ones failed. Those stay selected.
export function Bulk({ selection, actions }: BulkProps) {
  const [progress, set] = useState<[number, number] | null>(null);
  const chosen = selection.value;
  if (chosen.size === 0) return null;
  const start = async ({ label, confirm, run, done }: BulkAction) => {
    if (confirm && !(await ask(confirm(chosen.size)))) return;
    const keys = [...chosen];
    const worked = new Set<string>();
    const errors: string[] = [];
    let next = 0;
    set([0, keys.length]);
    const work = async () => {
      for (let key = keys[next++]; key !== undefined; key = keys[next++]) {
        try {
          await run(key);
          worked.add(key);
        } catch (e) {
          errors.push(`${key}: ${messageOf(e)}`);
        }
        set([worked.size + errors.length, keys.length]);
      }
    };
    await Promise.all(Array.from({ length: together }, work));
    set(null);
    selection.value = new Set(keys.filter((k) => !worked.has(k)));
    done(worked);
    if (errors.length > 0) complain(new Error(`${errors.length} of ${keys.length} failed.\n${errors.slice(0, 3).join("\n")}`));
    else tell(`${label}: ${worked.size} done.`);
  };
  return (
    <div class="notice">
      <span class="grow">{progress ? `${progress[0]} of ${progress[1]}` : `${chosen.size} selected`}</span>
      {progress && <progress value={progress[0]} max={progress[1]} />}
      {actions
        .filter((a) => can(a.right))
        .map((a) => (
          <button key={a.label} class={a.danger ? "danger" : ""} disabled={!!progress} onClick={() => start(a)}>
            {a.label}
          </button>
        ))}
      <button class="plain" disabled={!!progress} onClick={() => (selection.value = new Set())}>
        Select none
      </button>
    </div>
  );
}
