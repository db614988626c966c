import { get } from "../lib/api";
import { count } from "../lib/format";
import { useLoad } from "../lib/load";
import { filter, go, href } from "../lib/router";
import { MatchTabs } from "../parts/match_tabs";
import { Choice, Search } from "../ui/search";
import { Action } from "../ui/action";
import { Badge, Id } from "../ui/show";
import { type Column, Table } from "../ui/table";

interface Match {
  api_match: {
    match_id: string;
    authoritative: boolean;
    label: string | null;
    size: number;
    tick_rate: number;
    handler_name: string;
  };
  node: string;
}

const most = 10_000; // that the server lists

const address = (m: Match) => `/matches/${encodeURIComponent(m.api_match.match_id)}`;

const columns: Column<Match>[] = [
  { title: "Id", width: "minmax(9rem, 24rem)", cell: (m) => <Id value={m.api_match.match_id} to={href(address(m))} /> },
  { title: "Label", cell: (m) => m.api_match.label, sort: (m) => m.api_match.label ?? "" },
  { title: "Handler", width: "9rem", wide: true, cell: (m) => (m.api_match.authoritative ? m.api_match.handler_name : <Badge>relayed</Badge>), sort: (m) => m.api_match.handler_name },
  { title: "Players", width: "5rem", right: true, cell: (m) => m.api_match.size, sort: (m) => m.api_match.size },
  { title: "Ticks/s", width: "5rem", right: true, wide: true, cell: (m) => m.api_match.tick_rate || "", sort: (m) => m.api_match.tick_rate },
  { title: "Node", width: "8rem", wide: true, cell: (m) => m.node, sort: (m) => m.node },
];

export default function Matches() {
  const kind = filter("kind");
  const id = filter("id");
  const query = filter("query");
  const least = filter("min");
  const matches = useLoad(
    (signal) =>
      get<{ matches: Match[] }>(
        "match",
        id
          ? { match_id: id }
          : { limit: most, authoritative: kind ? kind === "authoritative" : query ? true : undefined, query: kind === "relayed" ? "" : query, min_size: least },
        signal,
      ),
    [kind, id, query, least],
  );
  return (
    <>
      <MatchTabs />
      <div class="tools">
        <Choice name="kind" label="Kind" options={[["", "All matches"], ["authoritative", "Authoritative"], ["relayed", "Relayed"]]} />
        {kind !== "relayed" && <Search name="query" label="Query" hint="Of the label: +label.mode:duel" />}
        <Search name="id" label="Match id" />
        <Choice name="min" label="Players at least" options={[["", "Any size"], ["1", "With players"], ["2", "2 or more"], ["10", "10 or more"]]} />
        <Action label="Reload" icon="reload" kind="plain" iconOnly run={matches.reload} />
        <span class="count">{matches.data && ((matches.data.matches.length === most ? `the first ${count(most)}` : count(matches.data.matches.length)))}</span>
      </div>
      <Table
        label="Matches"
        rows={matches.data?.matches ?? []}
        columns={columns}
        rowKey={(m) => m.api_match.match_id}
        open={(m) => go(address(m))}
        loading={matches.loading && !matches.data}
        error={matches.error}
        retry={matches.reload}
        empty="There are no such matches."
      />
    </>
  );
}
