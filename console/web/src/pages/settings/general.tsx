import { get, post } from "../../lib/api";
import { useLoad } from "../../lib/load";
import { can, operator } from "../../lib/session";
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
