import { useState } from "preact/hooks";
import { get, post } from "../lib/api";
import { bytes, count, milliseconds, short } from "../lib/format";
import { useLive } from "../lib/live";
import { useLoad } from "../lib/load";
import { ranges, useMetrics } from "../lib/metrics";
import { filter, href } from "../lib/router";
import { can, type Right } from "../lib/session";
import type { Node } from "../lib/types";
import { Action } from "../ui/action";
import { Chart, type Line } from "../ui/chart";
import { Icon } from "../ui/icons";
import { Choice } from "../ui/search";
import { Badge, Card, Loaded, When } from "../ui/show";
import { type Column, Table } from "../ui/table";
import { type DashboardData, Details } from "./dashboard/details";

interface ChartOf {
  title: string;
  causes?: [Right, string]; // where to see what causes the figures
  lines: (Line & { series: string })[];
  show: (n: number) => string;
}

const charts: ChartOf[] = [
  { title: "Players", causes: ["ACCOUNT:read", "/players"], show: short, lines: [{ series: "sessions", label: "sessions", colour: "accent" }, { series: "presences", label: "presences", colour: "info" }] },
  { title: "Authoritative matches and parties", causes: ["MATCH:read", "/matches"], show: short, lines: [{ series: "matches", label: "matches", colour: "accent" }, { series: "parties", label: "parties", colour: "info" }] },
  { title: "Requests per second", causes: ["CONFIGURATION:read", "/logs?level=warn"], show: short, lines: [{ series: "requests", label: "requests", colour: "accent" }, { series: "errors", label: "failed", colour: "bad" }] },
  { title: "Request latency", show: milliseconds, lines: [{ series: "request_p50", label: "p50", colour: "accent" }, { series: "request_p99", label: "p99", colour: "warn" }] },
  { title: "Messages per second", show: short, lines: [{ series: "messages_in", label: "in", colour: "accent" }, { series: "messages_out", label: "out", colour: "info" }] },
  { title: "Traffic per second", show: bytes, lines: [{ series: "bytes_in", label: "in", colour: "accent" }, { series: "bytes_out", label: "out", colour: "info" }] },
  { title: "Match ticks per second", causes: ["MATCH:read", "/matches?kind=authoritative"], show: short, lines: [{ series: "ticks", label: "ticks", colour: "accent" }, { series: "ticks_skipped", label: "skipped", colour: "bad" }] },
  { title: "Script VMs", causes: ["CONFIGURATION:read", "/runtime"], show: short, lines: [{ series: "vm_js_in_use", label: "JavaScript", colour: "accent" }, { series: "vm_lua_in_use", label: "Lua", colour: "info" }, { series: "vm_js_waiting", label: "waiting", colour: "bad" }] },
  { title: "CPU cores", show: short, lines: [{ series: "cpu", label: "in use", colour: "accent" }] },
  { title: "Memory", show: bytes, lines: [{ series: "heap", label: "heap", colour: "accent" }] },
  { title: "Database queries per second", show: short, lines: [{ series: "db_statements", label: "queries", colour: "accent" }] },
  { title: "Database query latency", show: milliseconds, lines: [{ series: "db_latency", label: "average", colour: "accent" }] },
];

const names = charts.flatMap((c) => c.lines.map((l) => l.series));

const columns: Column<Node>[] = [
  { title: "Node", width: "minmax(6rem, 1fr)", cell: (n) => n.name },
  { title: "State", width: "5.5rem", cell: (n) => <Badge kind={n.state === "ready" ? "good" : n.state === "down" ? "bad" : "warn"}>{n.state}</Badge> },
  { title: "Sessions", width: "5rem", right: true, cell: (n) => count(n.session_count) },
  { title: "Presences", width: "5.5rem", right: true, wide: true, cell: (n) => count(n.presence_count) },
  { title: "Matches", width: "5rem", right: true, cell: (n) => count(n.match_count) },
  { title: "Goroutines", width: "5rem", right: true, wide: true, cell: (n) => count(n.goroutine_count) },
  { title: "Latency", width: "5rem", right: true, wide: true, cell: (n) => milliseconds(n.avg_latency_ms) },
  { title: "Calls", width: "5.5rem", right: true, wide: true, cell: (n) => `${short(n.avg_rate_sec)}/s` },
  { title: "Delay", width: "5rem", right: true, wide: true, cell: (n) => (n.delay_ms > 0 ? milliseconds(n.delay_ms) : "") },
  { title: "Modules", width: "6rem", wide: true, cell: (n) => n.module_digest.slice(0, 8) },
  { title: "Started", width: "10.5rem", wide: true, cell: (n) => <When at={n.create_time} /> },
  {
    title: "",
    width: "5rem",
    right: true,
    cell: (n) =>
      n.state === "ready" && (
        <Action
          label="Drain"
          kind="plain"
          right="CONFIGURATION:write"
          confirm={{ title: `Drain node ${n.name}?`, text: "It takes no new players, closes its sockets over the grace period, ends its matches and stops.", action: "Drain", danger: true }}
          run={() => post(`node/${encodeURIComponent(n.name)}/drain`)}
          done={`Node ${n.name} is being drained.`}
        />
      ),
  },
];

export default function Dashboard() {
  return can("CONFIGURATION:read") ? <Live /> : <Plain />;
}

// Live shows what the socket sends: all at first, then the fields that changed.
function Live() {
  const [now, set] = useState<DashboardData>();
  useLive("dashboard", {}, (changed) => set((before) => ({ ...before, ...changed })));
  if (!now) return <p class="loading">Loading…</p>;
  return (
    <>
      <Warnings of={now.warnings} />
      <Figures node={now.node} />
      <History />
      <Details of={now} />
      <Nodes of={[now.node, ...now.others]} />
    </>
  );
}

// Plain is for operators who may not see the rest.
function Plain() {
  const status = useLoad((signal) => get<{ nodes: Node[] }>("status", {}, signal), []);
  return (
    <Loaded of={status}>
      {({ nodes }) => (
        <>
          <Figures node={nodes[0]!} />
          <History />
          <Nodes of={nodes} />
        </>
      )}
    </Loaded>
  );
}

const Nodes = ({ of }: { of: Node[] }) => (
  <Card title="Nodes">
    <Table label="Nodes" rows={of} columns={columns} rowKey={(n) => n.name} />
  </Card>
);

function Figures({ node }: { node: Node }) {
  const figure = (title: string, value: string, right?: Right, to?: string) => {
    const inside = (
      <>
        <b>{value}</b>
        <span>{title}</span>
      </>
    );
    return to && can(right) ? <a href={href(to)}>{inside}</a> : <div>{inside}</div>;
  };
  return (
    <div class="figures">
      {figure("sessions", count(node.session_count), "ACCOUNT:read", "/players")}
      {figure("presences", count(node.presence_count))}
      {figure("authoritative matches", count(node.match_count), "MATCH:read", "/matches")}
      {figure("parties", count(node.party_count))}
      {figure("requests per second", short(node.avg_rate_sec))}
      {figure("request latency", milliseconds(node.avg_latency_ms))}
    </div>
  );
}

function History() {
  const range = filter("range") || "600";
  const { times, values } = useMetrics(names, range);
  return (
    <>
      <div class="tools">
        <h2>History</h2>
        <Choice name="range" label="Range" options={[["", "10 minutes"], ...ranges.slice(1)]} />
      </div>
      <div class="charts">
        {charts.map((c) => (
          <Chart key={c.title} title={c.title} to={c.causes && can(c.causes[0]) ? href(c.causes[1]) : undefined} lines={c.lines} times={times} values={c.lines.map((l) => values[l.series] ?? times.map(() => null))} show={c.show} />
        ))}
      </div>
    </>
  );
}

// Warnings are what the server finds wrong in its configuration.
function Warnings({ of }: { of: DashboardData["warnings"] }) {
  if (of.length === 0) return null;
  return (
    <a class="notice" href={href("/settings", { tab: "configuration" })}>
      <Icon name="warning" />
      <span class="grow">
        {of.length} warnings of the configuration: {of.slice(0, 4).map((w) => w.field).join(", ")}
        {of.length > 4 && " …"}
      </span>
    </a>
  );
}
