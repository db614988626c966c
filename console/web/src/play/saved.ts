// Payloads that are kept in the browser, for use again.
import { signal } from "@preact/signals";
import type { Format } from "./payload";

export interface Saved {
  name: string;
  code: string; // the op code
  format: Format;
  text: string;
}

const key = "kumi.console.payloads";

function read(): Saved[] {
  try {
    const list = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

export const saved = signal<Saved[]>(read());

function write(list: Saved[]): void {
  saved.value = list;
  localStorage.setItem(key, JSON.stringify(list));
}

// keep adds a payload, or replaces the one with its name.
export const keep = (s: Saved) => write([...saved.peek().filter((o) => o.name !== s.name), s].sort((a, b) => a.name.localeCompare(b.name)));

export const forget = (name: string) => write(saved.peek().filter((o) => o.name !== name));
