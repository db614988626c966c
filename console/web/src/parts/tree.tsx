import { useState } from "preact/hooks";
import { type Node, write } from "../lib/json";
import { type Diff, elements } from "./diff";

const many = 100; // elements that are shown at once

// Tree shows a JSON value, with what changed marked. A part is drawn when it is opened.
export const Tree = ({ node, of, label = "State" }: { node: Node; of?: Diff; label?: string }) => (
  <ul class="tree" aria-label={label}>
    {elements(node).length > 0 || of?.removed?.length ? <Parts node={node} of={of} depth={0} /> : <Leaf name="" node={node} of={of} />}
  </ul>
);

function Parts({ node, of, depth }: { node: Node; of?: Diff; depth: number }) {
  const [shown, more] = useState(many);
  const all = elements(node);
  return (
    <>
      {all.slice(0, shown).map(([name, value]) => (
        <Part key={name} name={name} node={value} of={of?.inside?.get(name) ?? (of?.change ? of : undefined)} depth={depth} />
      ))}
      {all.length > shown && (
        <li>
          <button type="button" class="plain small" onClick={() => more(shown + 10 * many)}>
            {all.length - shown} more
          </button>
        </li>
      )}
      {of?.removed?.map(([name, value]) => (
        <Leaf key={"-" + name} name={name} node={value} removed />
      ))}
    </>
  );
}

function Part({ name, node, of, depth }: { name: string; node: Node; of?: Diff; depth: number }) {
  const size = elements(node).length;
  const [open, set] = useState(depth < 2 && size <= 30);
  if (size === 0 && !of?.removed?.length) return <Leaf name={name} node={node} of={of} />;
  return (
    <li>
      <details open={open} onToggle={(e) => set(e.currentTarget.open)}>
        <summary class={of ? "touched" : undefined}>
          <span class="name">{name}</span> <span class="dim">{node.kind === "array" ? `[${size}]` : `{${size}}`}</span>
        </summary>
        {open && (
          <ul>
            <Parts node={node} of={of} depth={depth + 1} />
          </ul>
        )}
      </details>
    </li>
  );
}

function Leaf({ name, node, of, removed }: { name: string; node: Node; of?: Diff; removed?: boolean }) {
  const text = write(node, 0);
  return (
    <li class={removed ? "removed" : of ? (of.change ?? "changed") : undefined}>
      {name && <span class="name">{name}</span>} <code class={node.kind === "string" ? "text" : undefined}>{text.length > 1000 ? text.slice(0, 1000) + "…" : text}</code>
      {removed && <span class="dim"> removed</span>}
      {of && <span class="dim"> {of.change ?? "changed"}</span>}
    </li>
  );
}
