// Table is a list of rows of which only those in view are in the document, so that it is
// quick with 100,000 of them. It is used with the mouse or with the keys: the arrows,
// Home, End and Page go through it, Enter opens a row, Space selects it.
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Problem } from "./show";

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  width?: string; // as in grid-template-columns; minmax(8rem, 1fr) unless told
  right?: boolean; // aligned right, for numbers
  wide?: boolean; // left out on narrow screens
  sort?: (row: T) => string | number; // its title sorts the rows, once all are loaded
}

// Rows are those of a table: an array, or what makes each from its index when it comes into view.
export interface Rows<T> {
  readonly length: number;
  at(index: number): T | undefined;
  slice(first: number, last: number): T[];
}

interface TableProps<T> {
  label: string;
  rows: Rows<T>;
  columns: Column<T>[];
  rowKey: (row: T) => string;
  open?: (row: T) => void; // on click and Enter
  selection?: Signal<ReadonlySet<string>>; // of keys; shows boxes to tick
  loading?: boolean;
  error?: unknown;
  retry?: () => void;
  more?: boolean; // next loads further rows when the end comes into view
  next?: () => void;
  empty?: string;
  chosen?: number; // the row that is marked, which is scrolled into view when it changes
  choose?: (index: number) => void; // on click and when the keys go to a row
  seen?: (first: number, last: number) => void; // the rows that are drawn, last excluded
}

const height = 40; // of a row, as in the style sheet
const beyond = 8; // rows that are drawn above and below those in view
// The maximum height in pixels: Firefox's is 17.8 million, others' is more. Beyond it a pixel of the
// scroll bar stands for more than one of the rows.
const maxHeight = 15_000_000;

export function Table<T>({ label, rows, columns, rowKey, open, selection, loading, error, retry, more, next, empty, chosen, choose, seen }: TableProps<T>) {
  const id = useId();
  const body = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [view, setView] = useState(800);
  const [active, setActive] = useState(-1);
  const [sort, setSort] = useState<{ column: number; down: boolean } | null>(null);

  const sorted: Rows<T> = useMemo(() => {
    const by = sort && columns[sort.column]?.sort;
    if (!by || more) return rows;
    const order = (a: T, b: T) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0) * (sort.down ? -1 : 1);
    return rows.slice(0, rows.length).sort(order);
  }, [rows, sort, more]);

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([e]) => setView(e!.contentRect.height));
    observer.observe(body.current!);
    return () => observer.disconnect();
  }, []);

  const full = sorted.length * height;
  const shown = Math.min(full, maxHeight);
  const scale = full > shown ? (full + height - view) / (shown + height - view) : 1; // with the titles' height
  const first = Math.max(0, Math.floor((top * scale) / height) - beyond);
  const last = Math.min(sorted.length, Math.ceil((top * scale + view) / height) + beyond);

  useEffect(() => {
    if (more && !loading && last >= sorted.length) next?.();
  }, [more, loading, last, sorted.length]);

  useEffect(() => seen?.(first, last), [first, last]);
  const scroll = (to: number) => {
    body.current!.scrollTop = to;
    setTop(body.current!.scrollTop);
  };
  const drawn = useRef(scale);
  useLayoutEffect(() => {
    // In a view of another height the same rows stay in view.
    if (scale !== drawn.current) scroll(Math.ceil((top * drawn.current) / scale));
    drawn.current = scale;
  }, [scale]);
  useLayoutEffect(() => {
    if (chosen !== undefined) show(chosen);
  }, [chosen]);

  const move = (to: number) => {
    const index = Math.max(0, Math.min(sorted.length - 1, to));
    show(index);
    choose?.(index);
  };
  const show = (index: number) => {
    setActive(index);
    const e = body.current!;
    const head = height; // the titles stay in view above the rows
    if (index * height < e.scrollTop * scale) scroll((index * height) / scale);
    if ((index + 1) * height + head > e.scrollTop * scale + e.clientHeight) scroll(Math.ceil(((index + 1) * height + head - e.clientHeight) / scale));
  };
  const toggle = (key: string) => {
    const chosen = new Set(selection!.value);
    if (!chosen.delete(key)) chosen.add(key);
    selection!.value = chosen;
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.target !== e.currentTarget) return;
    const page = Math.max(1, Math.floor(view / height) - 2);
    const row = active < 0 ? undefined : sorted.at(active);
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(active + 1),
      ArrowUp: () => move(active - 1),
      PageDown: () => move(active + page),
      PageUp: () => move(active - page),
      Home: () => move(0),
      End: () => move(sorted.length - 1),
      Enter: () => row && open?.(row),
      " ": () => row && selection && toggle(rowKey(row)),
    };
    if (!keys[e.key]) return;
    e.preventDefault();
    keys[e.key]!();
  };

  const all = !!selection && sorted.length > 0 && sorted.slice(0, sorted.length).every((r) => selection.value.has(rowKey(r)));
  const grid = (selection ? "2.5rem " : "") + columns.map((c) => c.width ?? "minmax(8rem, 1fr)").join(" ");
  const narrow = (selection ? "2.5rem " : "") + columns.filter((c) => !c.wide).map((c) => c.width ?? "minmax(8rem, 1fr)").join(" ");
  const cellClass = (c: Column<T>) => (c.right ? "right " : "") + (c.wide ? "wide" : "");

  return (
    <div
      class="table"
      role="grid"
      aria-label={label}
      aria-rowcount={more ? -1 : sorted.length + 1}
      aria-busy={loading}
      aria-activedescendant={active >= first && active < last ? `${id}-${active}` : undefined}
      tabIndex={0}
      ref={body}
      style={{ "--columns": grid, "--narrow": narrow }}
      onScroll={(e) => setTop(e.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
      onFocus={(e) => e.target === e.currentTarget && active < 0 && setActive(0)}
    >
      <div class="row head" role="row" aria-rowindex={1}>
        {selection && (
          <span role="columnheader">
            <input
              type="checkbox"
              aria-label="Select all"
              checked={all}
              onChange={() => (selection.value = all ? new Set() : new Set(sorted.slice(0, sorted.length).map(rowKey)))}
            />
          </span>
        )}
        {columns.map((c, i) => (
          <span key={i} role="columnheader" class={cellClass(c)} aria-sort={sort?.column === i ? (sort.down ? "descending" : "ascending") : undefined}>
            {c.sort && !more ? (
              <button class="plain" onClick={() => setSort(sort?.column === i ? (sort.down ? null : { column: i, down: true }) : { column: i, down: false })}>
                {c.title}
              </button>
            ) : (
              c.title
            )}
          </span>
        ))}
      </div>
      <div class="rows" role="rowgroup" style={{ height: `${shown}px`, overflow: scale > 1 ? "clip" : undefined }}>
        <div role="presentation" style={{ transform: `translateY(${first * height - top * (scale - 1)}px)` }}>
          {sorted.slice(first, last).map((row, i) => {
            const key = rowKey(row);
            const index = first + i;
            const selected = selection ? selection.value.has(key) : chosen !== undefined ? index === chosen : undefined;
            return (
              <div
                key={key}
                id={`${id}-${index}`}
                class={"row" + (index === active ? " active" : "") + (open || choose ? " opens" : "")}
                role="row"
                aria-rowindex={index + 2}
                aria-selected={selected}
                onClick={(e) => {
                  if ((e.target as Element).closest("a, button, input, label") || getSelection()?.toString()) return;
                  setActive(index);
                  choose?.(index);
                  open?.(row);
                }}
              >
                {selection && (
                  <div role="gridcell">
                    <label class="box">
                      <input type="checkbox" tabIndex={-1} aria-label={`Select ${key}`} checked={selected} onChange={() => toggle(key)} />
                    </label>
                  </div>
                )}
                {columns.map((c, i) => (
                  <div key={i} role="gridcell" class={cellClass(c)}>
                    {c.cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
      {error !== undefined ? <Problem error={error} retry={retry} /> : loading ? <p class="loading">Loading…</p> : sorted.length === 0 && <p class="empty">{empty ?? "Nothing here."}</p>}
    </div>
  );
}
