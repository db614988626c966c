import { get } from "../../lib/api";
import { save } from "../../lib/files";
import { type Node, parse, pretty, write } from "../../lib/json";
import { useLoad } from "../../lib/load";
import { filter } from "../../lib/router";
import { Action } from "../../ui/action";
import { Icon } from "../../ui/icons";
import { Search } from "../../ui/search";
import { Loaded } from "../../ui/show";
import { Table } from "../../ui/table";

interface Config {
  config: string;
  warnings: { field: string; message: string }[];
  server_version: string;
}

// entries are the settings with their whole names.
function entries(node: Node, name = ""): [string, string][] {
  if (node.kind !== "object" || node.entries.length === 0) return [[name, node.kind === "string" ? node.value : write(node, 0)]];
  return node.entries.flatMap(([key, value]) => entries(value, name ? `${name}.${key}` : key));
}

// Configuration is the server's, with secrets masked, and what is wrong with it.
export function Configuration() {
  const config = useLoad((signal) => get<Config>("config", {}, signal), []);
  const text = filter("filter").toLowerCase();
  return (
    <Loaded of={config}>
      {(data) => {
        const warnings = new Map(data.warnings.map((w) => [w.field, w.message]));
        const rows = entries(parse(data.config)).filter(([name, value]) => name.toLowerCase().includes(text) || value.toLowerCase().includes(text));
        return (
          <>
            {[...Map.groupBy(data.warnings, (w) => w.message)].map(([message, of]) => (
              <div class="notice" key={message}>
                <Icon name="warning" />
                <span class="grow">
                  <b>{of.map((w) => w.field).join(", ")}</b>: {message}
                </span>
              </div>
            ))}
            <div class="tools">
              <Search name="filter" label="Name or value" />
              <Action label="Save as a file" icon="data" run={() => save("configuration.json", pretty(data.config))} />
              <span class="count">Version {data.server_version}</span>
            </div>
            <Table
              label="Configuration"
              rows={rows}
              rowKey={([name]) => name}
              columns={[
                { title: "Name", cell: ([name]) => name, sort: ([name]) => name },
                { title: "Value", width: "minmax(10rem, 2fr)", cell: ([, value]) => <code title={value}>{value}</code> },
                { title: "", width: "2rem", cell: ([name]) => warnings.has(name) && <span class="error" title={warnings.get(name)}><Icon name="warning" /></span> },
              ]}
              empty="No setting is found."
            />
          </>
        );
      }}
    </Loaded>
  );
}
