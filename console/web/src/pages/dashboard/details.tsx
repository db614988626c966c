// What the node does in detail: functions, matches, script VMs, the database.
import { bytes, count, milliseconds, short } from "../../lib/format";
import { go, href } from "../../lib/router";
import { can } from "../../lib/session";
import type { Node, Time } from "../../lib/types";
import { Badge, Card, Facts, Id } from "../../ui/show";
import { type Column, Table } from "../../ui/table";

interface Calls {
  count: number;
  errors: number;
  mean_ms: number;
  p50_ms: number;
  p99_ms: number;
}

interface Func {
  kind: string;
  name: string;
  total: Calls;
  last: Calls;
}

interface SlowMatch {
  match_id: string;
  handler: string;
  tick_rate: number;
  size: number;
  tick_ms: number;
  budget_ms: number;
  over_budget: number;
}

interface Pool {
  runtime: string;
  max: number;
  size: number;
  idle: number;
  in_use: number;
  waiting: number;
  waits: number;
  retired: number;
  abandoned: number;
}

export interface DashboardData {
  node: Node;
  others: Node[];
  process: { server_version: string; go_version: string; cpus: number; cpu: number; heap_bytes: number; memory_bytes: number };
  functions: Func[];
  slow_matches: SlowMatch[];
  pools: Pool[];
  database: {
    kind: string;
    max_open: number;
    open: number;
    in_use: number;
    waits: number;
    wait_ms: number;
    write_queue: number;
    bytes: number;
    statements: number;
    statement_ms: number;
  } | null;
  warnings: { field: string; message: string }[];
  module_version: string;
  reload: { time: Time } | null;
  pages: number;
}

const functions: Column<Func>[] = [
  { title: "Kind", width: "5rem", cell: (f) => <Badge>{f.kind}</Badge>, sort: (f) => f.kind },
  { title: "Name", width: "minmax(10rem, 2fr)", cell: (f) => (f.kind === "rpc" && can("API_EXPLORER:write") ? <a href={href("/run", { method: f.name, rpc: true })}>{f.name}</a> : f.name), sort: (f) => f.name },
  { title: "Calls", width: "6rem", right: true, cell: (f) => count(f.last.count), sort: (f) => f.last.count },
  { title: "Failed", width: "5rem", right: true, cell: (f) => (f.last.errors > 0 ? <span class="error">{count(f.last.errors)}</span> : 0), sort: (f) => f.last.errors },
  { title: "p50", width: "5.5rem", right: true, wide: true, cell: (f) => milliseconds(f.last.p50_ms), sort: (f) => f.last.p50_ms },
  { title: "p99", width: "6rem", right: true, cell: (f) => milliseconds(f.last.p99_ms), sort: (f) => f.last.p99_ms },
  { title: "Since the start", width: "7.5rem", right: true, wide: true, cell: (f) => count(f.total.count), sort: (f) => f.total.count },
  { title: "Failed since", width: "6rem", right: true, wide: true, cell: (f) => count(f.total.errors), sort: (f) => f.total.errors },
];

const matches: Column<SlowMatch>[] = [
  { title: "Match", cell: (m) => <Id value={m.match_id} to={can("MATCH:read") ? href(`/matches/${encodeURIComponent(m.match_id)}`) : undefined} /> },
  { title: "Handler", width: "8rem", cell: (m) => m.handler },
  { title: "Players", width: "5rem", right: true, wide: true, cell: (m) => m.size },
  { title: "Tick", width: "6rem", right: true, cell: (m) => milliseconds(m.tick_ms) },
  { title: "Budget", width: "6rem", right: true, cell: (m) => milliseconds(m.budget_ms) },
  { title: "Over budget", width: "6rem", right: true, wide: true, cell: (m) => count(m.over_budget) },
];

const pools: Column<Pool>[] = [
  { title: "Language", cell: (p) => p.runtime },
  { title: "In use", width: "7rem", right: true, cell: (p) => `${p.in_use} of ${p.max}` },
  { title: "Idle", width: "4rem", right: true, wide: true, cell: (p) => p.idle },
  { title: "Waiting", width: "5rem", right: true, cell: (p) => (p.waiting > 0 ? <span class="error">{p.waiting}</span> : 0) },
  { title: "Waited", width: "6rem", right: true, wide: true, cell: (p) => count(p.waits) },
  { title: "Retired", width: "6rem", right: true, wide: true, cell: (p) => count(p.retired) },
  { title: "Abandoned", width: "6rem", right: true, wide: true, cell: (p) => count(p.abandoned) },
];

export function Details({ of }: { of: DashboardData }) {
  const { process, database } = of;
  return (
    <>
      <Card title="Functions in the last five minutes">
        <Table label="Functions" rows={of.functions} columns={functions} rowKey={(f) => f.kind + f.name} empty="No function of the modules was called." />
      </Card>
      {of.slow_matches.length > 0 && (
        <Card title="Matches over their tick budget">
          <Table label="Matches over their tick budget" rows={of.slow_matches} columns={matches} rowKey={(m) => m.match_id} open={(m) => go(`/matches/${encodeURIComponent(m.match_id)}`)} />
        </Card>
      )}
      <div class="split">
        <Card title="Script VMs">
          <Table label="Script VMs" rows={of.pools} columns={pools} rowKey={(p) => p.runtime} empty="There are none." />
        </Card>
        {database && (
          <Card title="Database">
            <Facts
              of={[
                ["Kind", database.kind],
                ["Size", bytes(database.bytes)],
                ["Connections", `${database.in_use} of ${database.max_open || database.open} in use`],
                ["Statements", count(database.statements)],
                ["Time of a statement", milliseconds(database.statements ? database.statement_ms / database.statements : 0)],
                ["Waits for a connection", `${count(database.waits)}, ${milliseconds(database.wait_ms)}`],
                ...(database.kind === "sqlite" ? ([["Waiting writes", count(database.write_queue)]] as [string, string][]) : []),
              ]}
            />
          </Card>
        )}
        <Card title="Process">
          <Facts
            of={[
              ["Version", process.server_version],
              ["Modules", of.module_version],
              ["Go", process.go_version],
              ["Processor", `${short(process.cpu)} of ${process.cpus} cores`],
              ["Heap", bytes(process.heap_bytes)],
              ["Memory", bytes(process.memory_bytes)],
              ["Open consoles", count(of.pages)],
            ]}
          />
        </Card>
      </div>
    </>
  );
}
