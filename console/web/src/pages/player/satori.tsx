import { type Signal, useSignal } from "@preact/signals";
import { get, post } from "../../lib/api";
import { useLoad } from "../../lib/load";
import { FormDialog } from "../../ui/dialog";
import { Check, SelectField, TextArea, TextField } from "../../ui/field";
import { Loaded } from "../../ui/show";
import { tell } from "../../ui/toast";

interface Template {
  id: string;
  name: string;
  title: string;
  value: string;
}

// The ways a message may take, by number.
const integrations = [
  [1, "FCM"],
  [2, "APNs"],
  [3, "Facebook"],
  [4, "OneSignal"],
  [5, "Webhook"],
] as const;

interface Sent {
  delivery_results: { recipient_id: string; integration_results: { success: boolean; error_message: string }[] }[];
}

// SatoriMessage sends a message of a template of the Satori server to a player.
export function SatoriMessage({ user, close }: { user: string; close: () => void }) {
  const templates = useLoad((signal) => get<{ templates: Template[] }>("satori/template", { limit: 100 }, signal), []);
  const template = useSignal("");
  const title = useSignal("");
  const value = useSignal("");
  const keep = useSignal(true);
  const ways: Record<number, Signal<boolean>> = {};
  for (const [number] of integrations) ways[number] = useSignal(false);
  const submit = async () => {
    const sent = await post<Sent>("satori/direct-message", {
      template_id: template.value,
      recipient_ids: [user],
      integrations: integrations.map(([number]) => number).filter((n) => ways[n]!.value),
      persist: keep.value,
      template_override: title.value || value.value ? { title: title.value, value: value.value } : undefined,
    });
    const failed = sent.delivery_results.flatMap((r) => r.integration_results).filter((r) => !r.success);
    if (failed.length > 0) throw new Error(failed.map((f) => f.error_message).join("\n"));
    tell("The message is sent.");
    close();
  };
  return (
    <FormDialog title="Send a message by Satori" action="Send" disabled={!template.value} onClose={close} onSubmit={submit}>
      <Loaded of={templates}>
        {({ templates }) => <SelectField label="Template" value={template} options={[["", "Choose one"], ...templates.map((t) => [t.id, t.name] as const)]} />}
      </Loaded>
      <TextField label="Title" hint="Blank: that of the template" value={title} />
      <TextArea label="Text" hint="Blank: that of the template" value={value} />
      <div class="tools">
        {integrations.map(([number, name]) => (
          <Check key={number} label={name} value={ways[number]!} />
        ))}
      </div>
      <Check label="Keep it for the player's inbox" value={keep} />
    </FormDialog>
  );
}
