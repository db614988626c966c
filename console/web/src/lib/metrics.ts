// The figures of the last day that the server keeps, and each new point of them.
import { useState } from "preact/hooks";
import { useLive } from "./live";

interface Message {
  times: number[];
  series: { name: string; unit: string; values: (number | string)[] }[];
}

export interface Metrics {
  times: number[]; // Unix seconds
  values: Record<string, (number | null)[]>;
}

export const ranges = [
  ["600", "10 minutes"],
  ["3600", "1 hour"],
  ["86400", "24 hours"],
] as const;

const steps: Record<string, number> = { "3600": 60, "86400": 300 };

// useMetrics follows series over a range, in seconds, that ends now.
export function useMetrics(names: string[], range: string): Metrics {
  const [metrics, set] = useState<Metrics>({ times: [], values: {} });
  const from = () => Date.now() / 1000 - Number(range);
  let first = true;
  useLive(
    "metrics",
    () => {
      first = true;
      return { from: new Date(from() * 1000).toISOString(), step: steps[range] ?? 0, names };
    },
    (m: Message) => {
      const replace = first; // what comes first after each subscription is the whole range
      first = false;
      set((before) => {
        const old = replace ? [] : before.times;
        const skip = old.findIndex((t) => t >= from());
        const start = skip < 0 ? old.length : skip;
        const values: Metrics["values"] = {};
        for (const { name, values: added } of m.series) {
          values[name] = [...(replace ? [] : (before.values[name] ?? []).slice(start)), ...added.map((v) => (typeof v === "number" ? v : null))];
        }
        return { times: [...old.slice(start), ...m.times], values };
      });
    },
    [range, names.join()],
  );
  return metrics;
}
