// Rights of operators: what they are and a table to choose them in.
import type { Signal } from "@preact/signals";
import { get } from "../lib/api";
import { useLoad } from "../lib/load";
import { can, type Right } from "../lib/session";
import type { Acl } from "../lib/types";

const levels = ["read", "write", "delete"] as const;

// useResources returns the names of what there are rights for, by number.
export function useResources(): string[] {
  const settings = useLoad((signal) => get<{ acl_resources: string[] }>("setting", {}, signal), []);
  return settings.data?.acl_resources ?? [];
}

// countRights is how many rights a set has.
export const countRights = (acl: Acl) => Object.values(acl).reduce((n, p) => n + levels.filter((l) => p[l]).length, 0);

// RightsField chooses rights. An operator gives only those that he has.
export function RightsField({ value, fixed }: { value: Signal<Acl>; fixed?: boolean }) {
  const resources = useResources();
  const set = (resource: string, level: (typeof levels)[number], on: boolean) => {
    const before = value.value[resource] ?? { read: false, write: false, delete: false };
    value.value = { ...value.value, [resource]: { ...before, [level]: on } };
  };
  const mayGive = (resource: string, level: string) => can(`${resource}:${level}` as Right);
  const setAll = (level: (typeof levels)[number]) => {
    const on = !resources.every((r) => value.value[r]?.[level] || !mayGive(r, level));
    for (const r of resources) if (mayGive(r, level)) set(r, level, on);
  };
  return (
    <table class="rights">
      <thead>
        <tr>
          <th>Right</th>
          {levels.map((level) => (
            <th key={level}>
              <button type="button" class="plain small" disabled={fixed} onClick={() => setAll(level)}>
                {level}
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {resources.map((resource) => (
          <tr key={resource}>
            <td>{resource.toLowerCase().replaceAll("_", " ")}</td>
            {levels.map((level) => (
              <td key={level}>
                <input
                  type="checkbox"
                  aria-label={`${resource} ${level}`}
                  checked={value.value[resource]?.[level] ?? false}
                  disabled={fixed || !mayGive(resource, level)}
                  onChange={(e) => set(resource, level, e.currentTarget.checked)}
                />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
