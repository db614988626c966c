// Hooks that load what a page shows.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Load<T> {
  data?: T;
  error?: unknown;
  loading: boolean;
  reload: () => Promise<void>; // ends when the value is there, or the page is left
}

// useLoad loads a value, and again when one of deps changes or on reload. The value so
// far is kept until the next one is there.
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: unknown[]): Load<T> {
  const [state, set] = useState<{ data?: T; error?: unknown; loading: boolean }>({ loading: true });
  const [round, again] = useState(0);
  const waiting = useRef<(() => void)[] | null>([]); // null: the page was left
  const end = () => waiting.current?.splice(0).forEach((resolve) => resolve());
  useEffect(() => {
    const abort = new AbortController();
    const done = (next: typeof state) => {
      if (abort.signal.aborted) return;
      set(next);
      end();
    };
    set((s) => ({ data: s.data, loading: true }));
    load(abort.signal).then(
      (data) => done({ data, loading: false }),
      (error) => done({ error, loading: false }),
    );
    return () => abort.abort();
  }, [...deps, round]);
  useEffect(
    () => () => {
      end();
      waiting.current = null;
    },
    [],
  );
  const reload = useCallback(() => {
    again((n) => n + 1);
    return new Promise<void>((resolve) => (waiting.current ? waiting.current.push(resolve) : resolve()));
  }, []);
  return { ...state, reload };
}

export interface Part<T> {
  rows: T[];
  cursor?: string; // of the next part; blank: this was the last one
  total?: number;
}

export interface Pages<T> {
  rows: T[];
  total?: number;
  error?: unknown;
  loading: boolean;
  more: boolean; // there are further rows
  next: () => void; // loads them
  reload: () => void;
  drop: (gone: (row: T) => boolean) => void; // removes rows that were deleted
}

// usePages loads a list part by part, and from the start when one of deps changes.
export function usePages<T>(load: (cursor: string, signal: AbortSignal) => Promise<Part<T>>, deps: unknown[]): Pages<T> {
  const first = { rows: [] as T[], cursor: "", more: true, loading: true, total: undefined as number | undefined, error: undefined as unknown };
  const [state, set] = useState(first);
  const [round, again] = useState(0);
  const busy = useRef<AbortController | null>(null);
  const run = (cursor: string) => {
    const abort = new AbortController();
    busy.current = abort;
    set((s) => ({ ...s, loading: true, error: undefined }));
    load(cursor, abort.signal).then(
      (part) => {
        if (abort.signal.aborted) return;
        busy.current = null;
        const next = part.cursor ?? "";
        set((s) => ({
          rows: cursor ? [...s.rows, ...part.rows] : part.rows,
          cursor: next,
          more: next !== "",
          loading: false,
          total: part.total ?? s.total,
          error: undefined,
        }));
      },
      (error) => {
        if (abort.signal.aborted) return;
        busy.current = null;
        set((s) => ({ ...s, error, loading: false, more: false }));
      },
    );
  };
  useEffect(() => {
    run("");
    return () => {
      busy.current?.abort();
      busy.current = null;
    };
  }, [...deps, round]);
  return {
    ...state,
    next: () => void (!busy.current && state.more && state.cursor && run(state.cursor)),
    reload: useCallback(() => again((n) => n + 1), []),
    drop: useCallback((gone) => set((s) => ({ ...s, rows: s.rows.filter((r) => !gone(r)), total: s.total && Math.max(0, s.total - s.rows.filter(gone).length) })), []),
  };
}
