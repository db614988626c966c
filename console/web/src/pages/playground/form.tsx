import { useId } from "preact/hooks";
import type { Action as Deed, Field as Of, Values } from "../../play/actions";
import { type Format, formats } from "../../play/payload";
import type { Player } from "../../play/player";
import { forget, keep, saved } from "../../play/saved";
import { Action } from "../../ui/action";
import { Icon } from "../../ui/icons";

interface FormProps {
  player: Player;
  action: Deed;
  values: Values;
  change: (v: Values) => void;
  run: (action: Deed, v: Values) => Promise<void>;
}

// Form is the form of an action.
export function Form({ player, action, values, change, run }: FormProps) {
  // valueOf is what a field has: what was entered, or else the first suggestion.
  const valueOf = (f: Of): string => {
    const own = values[f.name] ?? f.start;
    const choices = f.choices?.(player) ?? [];
    if (own === undefined || (f.kind === "choice" && !choices.some(([v]) => v === own))) return choices[0]?.[0] ?? "";
    return own;
  };
  const all = () => Object.fromEntries([["format", values.format ?? "json"], ...action.fields.map((f) => [f.name, valueOf(f)])]);
  const missing = action.fields.some((f) => f.kind === "choice" && f.choices!(player).length === 0);
  return (
    <form onSubmit={(e) => e.preventDefault()}>
      {action.fields.map((f) =>
        f.kind === "payload" ? (
          <Payload key={f.name} values={values} change={change} code={values.op_code ?? "1"} />
        ) : (
          <Input key={f.name} field={f} value={valueOf(f)} choices={f.choices?.(player)} set={(v) => change({ ...values, [f.name]: v })} />
        ),
      )}
      <div class="buttons">
        <Action submit label={action.button} kind="primary" disabled={missing} run={() => run(action, all())} />
      </div>
    </form>
  );
}

interface InputProps {
  field: Of;
  value: string;
  choices?: readonly (readonly [value: string, text: string])[];
  set: (value: string) => void;
}

function Input({ field, value, choices, set }: InputProps) {
  const list = useId();
  if (field.kind === "check") {
    return (
      <label class="check">
        <input type="checkbox" checked={value === "true"} onChange={(e) => set(String(e.currentTarget.checked))} />
        <span>{field.label}</span>
      </label>
    );
  }
  return (
    <label class={field.kind === "choice" || field.kind === "number" ? "field half" : "field"}>
      <span>{field.label}</span>
      {field.kind === "choice" ? (
        <select value={value} disabled={choices!.length === 0} onChange={(e) => set(e.currentTarget.value)}>
          {choices!.length === 0 && <option>None</option>}
          {choices!.map(([v, text]) => (
            <option key={v} value={v}>
              {text}
            </option>
          ))}
        </select>
      ) : (
        <input value={value} inputMode={field.kind === "number" ? "numeric" : undefined} class={field.kind === "json" ? "mono" : undefined} list={choices ? list : undefined} autocomplete="off" autocapitalize="off" spellcheck={false} onInput={(e) => set(e.currentTarget.value)} />
      )}
      {choices && field.kind !== "choice" && (
        <datalist id={list}>
          {choices.map(([v, text]) => (
            <option key={v} value={v}>
              {text}
            </option>
          ))}
        </datalist>
      )}
    </label>
  );
}

// Payload is the data of a message, with the payloads that were saved.
function Payload({ values, change, code }: { values: Values; change: (v: Values) => void; code: string }) {
  const format = (values.format || "json") as Format;
  const text = values.data ?? "";
  const current = saved.value.find((s) => s.text === text && s.format === format && s.code === code);
  return (
    <>
      <label class="field">
        <span>Payload</span>
        <textarea class="mono" rows={2} spellcheck={false} value={text} onInput={(e) => change({ ...values, data: e.currentTarget.value })} />
      </label>
      <div class="buttons payload">
        <select aria-label="Format of the payload" value={format} onChange={(e) => change({ ...values, format: e.currentTarget.value })}>
          {formats.map(([v, t]) => (
            <option key={v} value={v}>
              {t}
            </option>
          ))}
        </select>
        <select
          aria-label="Saved payloads"
          value={current?.name ?? ""}
          onChange={(e) => {
            const s = saved.peek().find((o) => o.name === e.currentTarget.value);
            if (s) change({ ...values, op_code: s.code, format: s.format, data: s.text });
          }}
        >
          <option value="">Saved…</option>
          {saved.value.map((s) => (
            <option key={s.name} value={s.name}>
              {s.name}
            </option>
          ))}
        </select>
        {current ? (
          <button type="button" class="plain" aria-label="Forget the payload" title="Forget the payload" onClick={() => forget(current.name)}>
            <Icon name="trash" />
          </button>
        ) : (
          <button type="button" class="plain" title="Save the payload in this browser" disabled={!text} onClick={() => keep({ name: `${code}: ${text.replace(/\s+/g, " ").slice(0, 40)}`, code, format, text })}>
            Save
          </button>
        )}
      </div>
    </>
  );
}
