// Times are shown in the zone of the browser or in UTC.
import { signal } from "@preact/signals";

const key = "kumi.console.utc";

// chosen reports whether the operator has chosen one of them.
export const chosen = () => localStorage.getItem(key) !== null;

// utc says whether times are shown in UTC.
export const utc = signal(localStorage.getItem(key) === "true");

export function setUtc(on: boolean): void {
  utc.value = on;
  localStorage.setItem(key, String(on));
}

const two = (n: number) => String(n).padStart(2, "0");

// clock is a time of day, date the day, showTime both.
export function clock(at: Date): string {
  return utc.value
    ? at.toISOString().slice(11, 19)
    : `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function date(at: Date): string {
  return utc.value ? at.toISOString().slice(0, 10) : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export const showTime = (at: Date) => `${date(at)} ${clock(at)}`;

const units: [number, string][] = [
  [86400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

// span is a number of seconds in its largest unit: "3 hours".
export function span(seconds: number): string {
  const s = Math.abs(Math.round(seconds));
  const [size, name] = units.find(([size]) => s >= size) ?? [1, "second"];
  const n = Math.floor(s / size);
  return `${n} ${name}${n === 1 ? "" : "s"}`;
}

// ago is how long ago a time was, or how far away it is.
export function ago(at: Date): string {
  const seconds = (Date.now() - at.getTime()) / 1000;
  return seconds >= 0 ? span(seconds) + " ago" : "in " + span(seconds);
}
