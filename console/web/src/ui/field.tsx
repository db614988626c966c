// Fields of forms. Their values are signals.
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren, InputHTMLAttributes } from "preact";
import { useLayoutEffect } from "preact/hooks";

// useSaved is the value of a field that edits what is saved. When that changes, by saving it or
// elsewhere on the page, the field does, too.
export function useSaved<T>(saved: T): Signal<T> {
  const value = useSignal(saved);
  useLayoutEffect(() => void (value.value = saved), [saved]);
  return value;
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: ComponentChildren;
  children: ComponentChildren;
}

export const Field = ({ label, hint, error, children }: FieldProps) => (
  <label class="field">
    <span>{label}</span>
    {children}
    {error ? <small class="error">{error}</small> : hint && <small>{hint}</small>}
  </label>
);

type InputProps = Pick<
  InputHTMLAttributes<HTMLInputElement>,
  "autocapitalize" | "autocomplete" | "autofocus" | "disabled" | "inputmode" | "max" | "maxLength" | "min" | "minLength" | "pattern" | "placeholder" | "readOnly" | "required" | "step"
>;

interface TextProps extends InputProps {
  label: string;
  type?: "text" | "email" | "number" | "password" | "datetime-local";
  value: Signal<string>;
  hint?: ComponentChildren;
  error?: ComponentChildren;
}

export const TextField = ({ label, value, hint, error, ...input }: TextProps) => (
  <Field label={label} hint={hint} error={error}>
    <input {...(input as InputHTMLAttributes<HTMLInputElement>)} value={value.value} onInput={(e) => (value.value = e.currentTarget.value)} />
  </Field>
);

interface AreaProps {
  label: string;
  value: Signal<string>;
  rows?: number;
  hint?: ComponentChildren;
  placeholder?: string;
  required?: boolean;
}

export const TextArea = ({ label, value, rows = 3, hint, ...area }: AreaProps) => (
  <Field label={label} hint={hint}>
    <textarea {...area} rows={rows} value={value.value} onInput={(e) => (value.value = e.currentTarget.value)} />
  </Field>
);

interface SelectProps {
  label: string;
  value: Signal<string>;
  options: readonly (readonly [value: string, text: string])[];
  hint?: ComponentChildren;
  disabled?: boolean;
  changed?: (value: string) => void;
}

export const SelectField = ({ label, value, options, hint, disabled, changed }: SelectProps) => (
  <Field label={label} hint={hint}>
    <select
      value={value.value}
      disabled={disabled}
      onChange={(e) => {
        value.value = e.currentTarget.value;
        changed?.(value.value);
      }}
    >
      {options.map(([v, text]) => (
        <option key={v} value={v}>
          {text}
        </option>
      ))}
    </select>
  </Field>
);

interface CheckProps {
  label: ComponentChildren;
  value: Signal<boolean>;
  disabled?: boolean;
}

export const Check = ({ label, value, disabled }: CheckProps) => (
  <label class="check">
    <input type="checkbox" checked={value.value} disabled={disabled} onChange={(e) => (value.value = e.currentTarget.checked)} />
    <span>{label}</span>
  </label>
);
