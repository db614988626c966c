import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { clock } from "../lib/time";

export interface Line {
  label: string;
  colour: "accent" | "good" | "warn" | "bad" | "info" | "dim"; // of the style sheet
}

interface ChartProps {
  title: string;
  to?: string; // the address of what causes the figures
  lines: Line[];
  times: number[]; // Unix seconds; numbers of something else with showX
  values: (number | null)[][]; // of each line
  show: (value: number) => string;
  height?: number;
  showX?: (x: number) => string;
  pick?: (index: number) => void; // on a click
}

// showLatest writes the latest values below, unless those at the mouse are there.
function showLatest(chart: uPlot): void {
  const last = chart.data[0].length - 1;
  if (last >= 0 && chart.cursor.idx == null) chart.setLegend({ idx: last });
}

// Chart draws lines over time. Charts on one page share their cursor.
export function Chart({ title, to, lines, times, values, show, height = 150, showX, pick }: ChartProps) {
  const picked = useRef(pick);
  picked.current = pick;
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef<uPlot.AlignedData>([times, ...values]);
  latest.current = [times, ...values];
  useEffect(() => {
    const element = host.current;
    if (!element) return; // left before it was drawn
    let gone = false;
    // The canvas needs colours that are resolved, for the theme of now.
    const colour = (name: string) => () => {
      element.style.color = `var(--${name})`;
      const resolved = getComputedStyle(element).color;
      element.style.color = "";
      return resolved;
    };
    const axis = { stroke: colour("faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    const resize = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height }));
    void import("uplot").then(({ default: UPlot }) => {
      if (gone) return;
      chart.current = new UPlot(
        {
          width: element.clientWidth,
          height,
          cursor: { sync: { key: "page" }, points: { size: 6 }, drag: { x: false, y: false } },
          scales: { x: { time: !showX }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
          axes: [
            { ...axis, size: 28, space: 60, values: (_, at) => at.map(showX ?? ((t) => clock(new Date(t * 1000)).slice(0, 5))) },
            { ...axis, size: 58, space: 28, values: (_, v) => v.map((n) => show(n)) },
          ],
          series: [
            // There is none where the legend shows a point that new data do not have.
            { label: "", value: (_, at: number | null | undefined) => (at == null ? "" : showX ? showX(at) : at ? clock(new Date(at * 1000)) : "") },
            ...lines.map((l) => ({
              label: l.label,
              stroke: colour(l.colour),
              width: 1.5,
              points: { show: false },
              value: (_: uPlot, v: number | null | undefined) => (v == null ? "–" : show(v)),
            })),
          ],
        },
        latest.current,
        element,
      );
      showLatest(chart.current);
      chart.current.over.addEventListener("click", () => {
        const at = chart.current?.cursor.idx;
        if (at !== undefined && at !== null) picked.current?.(at);
      });
      resize.observe(element);
    });
    return () => {
      gone = true;
      resize.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    chart.current?.setData(latest.current);
    if (chart.current) showLatest(chart.current);
  }, [times, values]);
  return (
    <figure class="chart card">
      <figcaption>{to ? <a href={to}>{title}</a> : title}</figcaption>
      <div ref={host} />
    </figure>
  );
}
