import { useSignal } from "@preact/signals";
import { del, get, post } from "../../lib/api";
import { useLoad } from "../../lib/load";
import { loadMaintenance, maintenance } from "../../lib/maintenance";
import { can, operator } from "../../lib/session";
import { Action } from "../../ui/action";
import { FormDialog, show } from "../../ui/dialog";
import { TextArea, TextField } from "../../ui/field";
import { Badge, Card, Facts, Loaded, When } from "../../ui/show";
import { complain, tell } from "../../ui/toast";

interface Setting {
  name: string;
  value: string;
}

// General is who is signed in, and what holds for all operators.
export function General() {
  const settings = useLoad((signal) => get<{ settings: Setting[] }>("setting", { names: ["utc_toggle"] }, signal), []);
  const me = operator.value!;
  const set = async (on: boolean) => {
    try {
      await post("setting/utc_toggle", { value: String(on) });
      tell("The setting is saved.");
    } catch (e) {
      complain(e);
    }
    settings.reload();
  };
  return (
    <>
      <Card title="You">
        <Facts
          of={[
            ["Name", me.username],
            ["E-mail address", me.email],
            ["Second factor", me.mfa_enabled ? <Badge kind="good">set up</Badge> : <Badge>none</Badge>],
            ["Changed", <When at={me.update_time} />],
          ]}
        />
      </Card>
      <MaintenanceCard />
      <Card title="All operators">
        <Loaded of={settings}>
          {({ settings }) => (
            <label class="check">
              <input
                type="checkbox"
                checked={settings[0]?.value === "true"}
                disabled={!can("SETTINGS:write")}
                onChange={(e) => void set(e.currentTarget.checked)}
              />
              <span>Show times in UTC to those who have not chosen</span>
            </label>
          )}
        </Loaded>
      </Card>
    </>
  );
}

// MaintenanceCard keeps players out for a while.
function MaintenanceCard() {
  const now = maintenance.value;
  const begin = async () => {
    if (await show<boolean>((close) => <Begin close={close} />)) await loadMaintenance();
  };
  const end = async () => {
    await del("maintenance");
    await loadMaintenance();
  };
  return (
    <Card
      title="Maintenance"
      actions={
        now?.active ? (
          <Action label="End maintenance" kind="primary" right="CONFIGURATION:write" run={end} done="Players may sign in again." />
        ) : (
          <Action label="Begin maintenance" right="CONFIGURATION:write" run={begin} />
        )
      }
    >
      {now?.active ? (
        <Facts
          of={[
            ["Message", now.message],
            ["Since", <When at={now.start_time} />],
            ["By", now.operator],
            ["Open sessions end", now.disconnect_time ? <When at={now.disconnect_time} /> : "not"],
          ]}
        />
      ) : (
        <p class="dim">Players may sign in.</p>
      )}
    </Card>
  );
}

function Begin({ close }: { close: (begun?: boolean) => void }) {
  const message = useSignal("");
  const minutes = useSignal("");
  return (
    <FormDialog
      title="Begin maintenance"
      action="Begin"
      danger
      onClose={close}
      onSubmit={async () => {
        const end = minutes.value === "" ? {} : { disconnect_after_sec: Math.round(Number(minutes.value) * 60) };
        await post("maintenance", { message: message.value, ...end });
        close(true);
      }}
    >
      <p>Players cannot sign in until it ends, on all servers of the database. A restart does not end it.</p>
      <TextArea label="Message, which players are told" value={message} />
      <TextField label="Minutes until open sessions end" hint="Blank: they may go on" type="number" min={0} value={minutes} />
    </FormDialog>
  );
}
