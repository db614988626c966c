import { del, path } from "../../lib/api";
import type { Load } from "../../lib/load";
import { setFilters } from "../../lib/router";
import { Action } from "../../ui/action";
import { Card, Empty, Loaded } from "../../ui/show";
import { drafts, openDraft, requestOf, type Saved, titleOf } from "./drafts";

// SavedList are the requests that the team keeps.
export const SavedList = ({ of }: { of: Load<Saved[]> }) => (
  <Card title="Saved requests">
    <Loaded of={of}>
      {(all) =>
        all.length === 0 ? (
          <Empty>None yet. A saved request is a file in the modules folder.</Empty>
        ) : (
          <div class="list">
            {all.map((s) => (
              <div key={s.name}>
                <button type="button" class="plain grow" onClick={() => open(s)}>
                  {s.name}
                </button>
                <span class="dim">{s.rpc ? "RPC " + s.method : titleOf(s)}</span>
                <Action
                  label="Delete"
                  icon="trash"
                  kind="plain"
                  iconOnly
                  right="API_EXPLORER:delete"
                  confirm={{ title: `Delete ${s.name}?`, text: "Its file is deleted.", action: "Delete", danger: true }}
                  run={async () => {
                    await del(path`request/${s.name}`);
                    of.reload();
                  }}
                />
              </div>
            ))}
          </div>
        )
      }
    </Loaded>
  </Card>
);

function open(s: Saved): void {
  const there = drafts.peek().find((d) => d.name === s.name);
  setFilters({ tab: (there ?? openDraft(requestOf(s), s.name)).id });
}
