import { type ComponentChildren, Fragment } from "preact";
import { can, type Right } from "../lib/session";
import { filter, here, href } from "../lib/router";

export interface Tab {
  name: string; // in the address
  title: string;
  right?: Right;
  show: () => ComponentChildren;
}

// Tabs shows one of several parts of a page; which one is in the address.
export function Tabs({ of, param = "tab" }: { of: Tab[]; param?: string }) {
  const allowed = of.filter((t) => can(t.right));
  const chosen = allowed.find((t) => t.name === filter(param)) ?? allowed[0];
  if (!chosen) return null;
  return (
    <>
      <nav class="tabs">
        {allowed.map((t) => (
          <a key={t.name} href={href(here.value.path, { [param]: t === allowed[0] ? "" : t.name })} aria-current={t === chosen ? "page" : undefined}>
            {t.title}
          </a>
        ))}
      </nav>
      <Fragment key={chosen.name}>{chosen.show()}</Fragment>
    </>
  );
}
