import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { filter, setFilters } from "../lib/router";
import { Icon } from "./icons";

interface SearchProps {
  name: string; // of the filter in the address
  label: string;
  hint?: string;
  clears?: string[]; // filters that end when this one changes
}

// Search is a field for a filter, which it sets a moment after the last key.
export function Search({ name, label, hint, clears = [] }: SearchProps) {
  const set = filter(name);
  const [text, type] = useState(set);
  const timer = useRef(0);
  useLayoutEffect(() => type(set), [set]); // at once, before more is typed
  useEffect(() => () => clearTimeout(timer.current), []);
  const apply = (value: string) => {
    clearTimeout(timer.current);
    setFilters({ ...Object.fromEntries(clears.map((c) => [c, ""])), [name]: value });
  };
  return (
    <form
      class="search"
      role="search"
      onSubmit={(e) => {
        e.preventDefault();
        apply(text.trim());
      }}
    >
      <Icon name="search" />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        title={hint}
        value={text}
        onInput={(e) => {
          const value = e.currentTarget.value;
          type(value);
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => apply(value.trim()), 350);
        }}
      />
    </form>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  options: readonly (readonly [value: string, text: string])[];
}

// Choice is a list to choose the value of a filter from.
export const Choice = ({ name, label, options }: ChoiceProps) => (
  <select aria-label={label} title={label} value={filter(name)} onChange={(e) => setFilters({ [name]: e.currentTarget.value })}>
    {options.map(([value, text]) => (
      <option key={value} value={value}>
        {text}
      </option>
    ))}
  </select>
);
