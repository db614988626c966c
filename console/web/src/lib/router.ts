// The address of a page is in the fragment, "#/players?filter=bob", so the server need
// not know the pages. Filters are its query: an address shows what its sender saw.
import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { Query } from "./api";

export interface Location {
  path: string;
  query: URLSearchParams;
}

function read(): Location {
  const [path = "", query = ""] = location.hash.slice(1).split("?", 2);
  return { path: path.startsWith("/") ? path : "/", query: new URLSearchParams(query) };
}

// here is the address of the page that is shown.
export const here = signal(read());

// unsaved are the forms with changes that are not saved.
const unsaved = new Set<object>();
let askToLeave: () => Promise<boolean> = async () => true;

// beforeLeaving sets what asks the operator whether to leave such a form.
export const beforeLeaving = (ask: () => Promise<boolean>) => void (askToLeave = ask);

// useUnsaved says that a form has changes, so that nobody leaves it by accident.
export function useUnsaved(changed: boolean): void {
  useLayoutEffect(() => {
    if (!changed) return;
    const form = {};
    unsaved.add(form);
    return () => void unsaved.delete(form);
  }, [changed]);
}

addEventListener("beforeunload", (e) => unsaved.size > 0 && e.preventDefault());

let shown = location.hash;
addEventListener("hashchange", async () => {
  const wanted = location.hash;
  if (unsaved.size > 0 && wanted !== shown) {
    history.replaceState(null, "", shown || "#/");
    if (!(await askToLeave())) return;
    unsaved.clear();
    history.replaceState(null, "", wanted);
  }
  shown = wanted;
  here.value = read();
});

// href is the address of a page; path has its values encoded already.
export function href(path: string, query: Query = {}): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") q.set(name, String(value));
  const text = q.toString();
  return "#" + path + (text && "?" + text);
}

// go shows another page.
export function go(path: string, query?: Query): void {
  location.hash = href(path, query);
}

// filter is a value of the query.
export const filter = (name: string) => here.value.query.get(name) ?? "";

// setFilters changes values of the query; blank ones are removed. It adds nothing to the
// browser's history.
export function setFilters(changes: Query): void {
  const query = new URLSearchParams(here.peek().query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "" || value === null) query.delete(name);
    else query.set(name, String(value));
  }
  history.replaceState(null, "", href(here.peek().path, Object.fromEntries(query)));
  shown = location.hash;
  here.value = read();
}

// match compares a path with a pattern such as "/players/:id" and returns its values.
export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split("/");
  const got = path.split("/");
  if (want.length !== got.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of want.entries()) {
    if (part.startsWith(":")) {
      try {
        params[part.slice(1)] = decodeURIComponent(got[i]!);
      } catch {
        return null;
      }
    } else if (part !== got[i]) return null;
  }
  return params;
}
