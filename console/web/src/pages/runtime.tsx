import { get } from "../lib/api";
import { useLoad } from "../lib/load";
import { filter, href } from "../lib/router";
import { can } from "../lib/session";
import { Search } from "../ui/search";
import { Card, Loaded, When } from "../ui/show";
import { Table } from "../ui/table";

interface Module {
  path: string;
  mod_time: string | null;
}

interface Info {
  lua_rpc_functions: string[];
  go_rpc_functions: string[];
  js_rpc_functions: string[];
  go_modules: Module[];
  lua_modules: Module[];
  js_modules: Module[];
}

const languages = [
  ["go", "Go"],
  ["lua", "Lua"],
  ["js", "JavaScript"],
] as const;

// Runtime shows what the modules are and which functions they have.
export default function Runtime() {
  const info = useLoad((signal) => get<Info>("runtime", {}, signal), []);
  const text = filter("filter").toLowerCase();
  const has = (s: string) => s.toLowerCase().includes(text);
  return (
    <>
      <div class="tools">
        <Search name="filter" label="Module or function" />
      </div>
      <Loaded of={info}>
        {(data) => {
          const modules = languages.flatMap(([key, language]) => data[`${key}_modules`].map((m) => ({ ...m, language }))).filter((m) => has(m.path));
          const functions = languages.flatMap(([key, language]) => data[`${key}_rpc_functions`].map((id) => ({ id, language }))).filter((f) => has(f.id));
          return (
            <div class="split">
              <Card title="Modules">
                <Table
                  label="Modules"
                  rows={modules}
                  rowKey={(m) => m.language + m.path}
                  columns={[
                    { title: "File", cell: (m) => m.path, sort: (m) => m.path },
                    { title: "Language", width: "7rem", cell: (m) => m.language, sort: (m) => m.language },
                    { title: "Changed", width: "10.5rem", cell: (m) => <When at={m.mod_time} />, sort: (m) => m.mod_time ?? "" },
                  ]}
                  empty="There are no modules."
                />
              </Card>
              <Card title="RPC functions">
                <Table
                  label="RPC functions"
                  rows={functions}
                  rowKey={(f) => f.language + f.id}
                  columns={[
                    { title: "Id", cell: (f) => (can("API_EXPLORER:write") ? <a href={href("/run", { method: f.id, rpc: true })}>{f.id}</a> : f.id), sort: (f) => f.id },
                    { title: "Language", width: "7rem", cell: (f) => f.language, sort: (f) => f.language },
                  ]}
                  empty="The modules register no RPC functions."
                />
              </Card>
            </div>
          );
        }}
      </Loaded>
    </>
  );
}
