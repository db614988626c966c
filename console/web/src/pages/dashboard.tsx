import { useEffect } from "preact/hooks";
import { get } from "../lib/api";
import { useLoad } from "../lib/load";
import { href } from "../lib/router";
import { can } from "../lib/session";
import type { Node } from "../lib/types";
import { Badge, Card, Loaded, When } from "../ui/show";
import { type Column, Table } from "../ui/table";

const health = ["OK", "Error", "Connecting", "Disconnecting"];

const columns: Column<Node>[] = [
  { title: "Node", cell: (n) => n.name },
  { title: "Health", width: "8rem", cell: (n) => <Badge kind={n.health === 0 ? "good" : "bad"}>{health[n.health]}</Badge> },
  { title: "Sessions", width: "6rem", right: true, cell: (n) => n.session_count },
  { title: "Presences", width: "6rem", right: true, wide: true, cell: (n) => n.presence_count },
  { title: "Matches", width: "6rem", right: true, cell: (n) => n.match_count },
  { title: "Goroutines", width: "6rem", right: true, wide: true, cell: (n) => n.goroutine_count },
  { title: "Latency", width: "6rem", right: true, wide: true, cell: (n) => `${n.avg_latency_ms} ms` },
  { title: "Calls", width: "6rem", right: true, wide: true, cell: (n) => `${n.avg_rate_sec}/s` },
  { title: "Started", width: "11rem", wide: true, cell: (n) => <When at={n.create_time} /> },
];

export default function Dashboard() {
  const status = useLoad(() => get<{ nodes: Node[] }>("status"), []);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || status.reload(), 5000);
    return () => clearInterval(timer);
  }, []);
  return (
    <Loaded of={status}>
      {({ nodes }) => {
        const sum = (of: (n: Node) => number) => nodes.reduce((total, n) => total + of(n), 0).toLocaleString("en");
        const figure = (title: string, value: string, to?: string) => {
          const inside = (
            <>
              <b>{value}</b>
              <span>{title}</span>
            </>
          );
          return to ? <a href={to}>{inside}</a> : <div>{inside}</div>;
        };
        return (
          <>
            <div class="figures">
              {figure("sessions", sum((n) => n.session_count), can("ACCOUNT:read") ? href("/players") : undefined)}
              {figure("presences", sum((n) => n.presence_count))}
              {figure("matches", sum((n) => n.match_count))}
              {figure("parties", sum((n) => n.party_count))}
            </div>
            <Card title="Nodes">
              <Table label="Nodes" rows={nodes} columns={columns} rowKey={(n) => n.name} />
            </Card>
          </>
        );
      }}
    </Loaded>
  );
}
