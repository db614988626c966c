// How single values are shown.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { messageOf } from "../lib/api";
import type { Load } from "../lib/load";
import { ago, showTime } from "../lib/time";
import { Icon } from "./icons";

// When is a point in time; a blank one, and the first second of 1970, is none.
export function When({ at }: { at: string | number | null | undefined }) {
  const time = at ? new Date(typeof at === "number" ? at * 1000 : at) : null;
  if (!time || Number.isNaN(time.getTime()) || time.getTime() <= 0) return <span class="faint">–</span>;
  return (
    <time dateTime={time.toISOString()} title={`${time.toISOString()}, ${ago(time)}`}>
      {showTime(time)}
    </time>
  );
}

// Id is an identifier that can be copied, and a link if it has an address.
export function Id({ value, to }: { value: string; to?: string }) {
  const [copied, set] = useState(false);
  if (!value) return <span class="faint">–</span>;
  const copy = async (e: Event) => {
    e.preventDefault();
    e.stopPropagation();
    await navigator.clipboard?.writeText(value);
    set(true);
    setTimeout(() => set(false), 1500);
  };
  return (
    <span class="id">
      {to ? <a href={to}>{value}</a> : <span>{value}</span>}
      <button class="plain" type="button" aria-label="Copy" title="Copy" tabIndex={-1} onClick={copy}>
        <Icon name={copied ? "check" : "copy"} />
      </button>
    </span>
  );
}

export const Badge = ({ kind, children }: { kind?: "good" | "bad" | "warn" | "info"; children: ComponentChildren }) => <span class={`badge ${kind ?? ""}`}>{children}</span>;

// Facts is a list of names and values.
export const Facts = ({ of }: { of: [string, ComponentChildren][] }) => (
  <dl class="facts">
    {of.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value === "" || value === null || value === undefined ? <span class="faint">–</span> : value}</dd>
      </div>
    ))}
  </dl>
);

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>;

export const Problem = ({ error, retry }: { error: unknown; retry?: () => void }) => (
  <div class="problem" role="alert">
    <Icon name="warning" />
    <span>{messageOf(error)}</span>
    {retry && (
      <button type="button" onClick={retry}>
        Try again
      </button>
    )}
  </div>
);

// Loaded shows a value once it is there.
export function Loaded<T>({ of, children }: { of: Load<T>; children: (data: T) => ComponentChildren }) {
  if (of.error !== undefined) return <Problem error={of.error} retry={of.reload} />;
  if (of.data === undefined) return <p class="loading" aria-busy="true">Loading…</p>;
  return <>{children(of.data)}</>;
}

// Card is a part of a page with a title of its own.
export const Card = ({ title, actions, children }: { title?: string; actions?: ComponentChildren; children: ComponentChildren }) => (
  <section class="card">
    {(title || actions) && (
      <header>
        <h2>{title}</h2>
        <div class="buttons">{actions}</div>
      </header>
    )}
    {children}
  </section>
);
