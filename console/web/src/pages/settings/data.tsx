import { del } from "../../lib/api";
import { Action } from "../../ui/action";
import { Card } from "../../ui/show";
import { importObjects } from "../storage/import";

// Data imports and deletes much at once.
export function Data() {
  const wipe = (label: string, at: string, right: "ALL_DATA:delete" | "ALL_ACCOUNTS:delete" | "ALL_STORAGE:delete", text: string) => (
    <div>
      <span class="grow">{text}</span>
      <Action label={label} kind="danger" right={right} confirm={{ title: `${label}?`, text: `${text} That cannot be undone.`, action: label, danger: true, word: "delete" }} run={() => del(at)} done="It is deleted." />
    </div>
  );
  return (
    <>
      <Card title="Import">
        <div class="list">
          <div>
            <span class="grow">A JSON or CSV file of storage objects, all or none of which are written.</span>
            <Action label="Import objects" icon="data" right="STORAGE_DATA_IMPORT:write" run={importObjects} />
          </div>
        </div>
      </Card>
      <Card title="Delete">
        <div class="list">
          {wipe("Delete all storage", "storage", "ALL_STORAGE:delete", "All storage objects are deleted.")}
          {wipe("Delete all players", "account", "ALL_ACCOUNTS:delete", "All accounts are deleted, with what belongs to them.")}
          {wipe("Delete all data", "all", "ALL_DATA:delete", "All that the game stores is deleted. Operators and the audit log stay.")}
        </div>
      </Card>
    </>
  );
}
