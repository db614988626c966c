// Payloads of data messages: bytes that are written as JSON, as text or in hexadecimal.
import { JsonError, parse, write } from "../lib/json";

export type Format = "json" | "text" | "hex";

export const formats: [Format, string][] = [
  ["json", "JSON"],
  ["text", "Text"],
  ["hex", "Hex"],
];

// encode turns what was typed into base64. It throws an error that says what is wrong.
export function encode(format: Format, typed: string): string {
  if (format === "text") return toBase64(new TextEncoder().encode(typed));
  if (format === "json") {
    if (typed.trim() === "") return "";
    try {
      return toBase64(new TextEncoder().encode(write(parse(typed), 0)));
    } catch (e) {
      throw e instanceof JsonError ? new Error(`The payload is not JSON: ${e.message}.`) : e;
    }
  }
  const digits = typed.replace(/0x|[\s,:-]/gi, "");
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) throw new Error("The payload is not hexadecimal: it takes pairs of the digits 0-9 and a-f.");
  return toBase64(Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
}

// decode shows bytes: as text if they are text, else in hexadecimal.
export function decode(base64: string): { format: "text" | "hex"; text: string } {
  const bytes = fromBase64(base64);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!/[\u0000-\u0008\u000e-\u001f]/.test(text)) return { format: "text", text };
  } catch {
    // not UTF-8
  }
  return { format: "hex", text: hex(bytes) };
}

export const hex = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");

export const fromBase64 = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const b of bytes) text += String.fromCharCode(b);
  return btoa(text);
}
