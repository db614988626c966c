// What reloads of the modules changed, and the error of one that failed, on every page.
import { signal } from "@preact/signals";
import { useLive } from "../lib/live";
import { can } from "../lib/session";
import type { Time } from "../lib/types";
import { Icon } from "./icons";
import { When } from "./show";
import { tell } from "./toast";

export interface Reload {
  time: Time;
  version: string;
  files: string[];
  took_ms: number;
  error: ReloadError | null;
}

interface ReloadError {
  message: string;
  file: string;
  line: number;
  column: number;
  source: { number: number; text: string }[];
}

// failed is the last reload, if it failed and the operator has not put it away.
const failed = signal<Reload | null>(null);

// reloaded is how many reloads there were while the page was open.
export const reloaded = signal(0);

// Reloads tells of each reload that happens while the page is open. After an interruption
// of the socket it tells of those in between.
export function Reloads() {
  return can("CONFIGURATION:read") ? <Watch /> : null;
}

let last = "";

function Watch() {
  useLive("reload", {}, ({ reloads }: { reloads: Reload[] }) => {
    const first = last === "";
    const fresh = reloads.filter((r) => (r.time ?? "") > last);
    last = reloads.at(-1)?.time ?? (last || "0");
    const newest = fresh.at(-1);
    if (!newest) return;
    reloaded.value += first ? 0 : 1;
    failed.value = newest.error ? newest : null;
    if (!newest.error && !first) tell(`The modules were reloaded in ${Math.round(newest.took_ms)} ms: ${newest.files.join(", ")}.`);
  });
  const reload = failed.value;
  if (!reload?.error) return null;
  const { message, file, line, column, source } = reload.error;
  return (
    <div class="overlay" role="alert">
      <header class="spread">
        <h2>
          <Icon name="warning" /> The modules could not be loaded
        </h2>
        <button class="plain" aria-label="Dismiss" onClick={() => (failed.value = null)}>
          <Icon name="close" />
        </button>
      </header>
      {file && (
        <p class="mono">
          {file}:{line}
          {column > 0 && `:${column}`}
        </p>
      )}
      <pre class="error">{message}</pre>
      {source.length > 0 && (
        <pre class="source">
          {source.map((s) => (
            <div key={s.number} class={s.number === line ? "here" : ""}>
              <span>{s.number}</span>
              {s.text}
            </div>
          ))}
        </pre>
      )}
      <small>
        <When at={reload.time} />. Those before are still in use.
      </small>
    </div>
  );
}
