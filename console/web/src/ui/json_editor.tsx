import type { Signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { mistake, type Node, pretty } from "../lib/json";
import type { Editor } from "./code";

interface JsonEditorProps {
  label: string;
  value: Signal<string>; // the text, never decoded, so numbers keep their digits
  wanted?: Node["kind"]; // what the value has to be
  readOnly?: boolean;
  anyText?: boolean; // what is not JSON is no mistake
  hint?: string;
  height?: string; // at least
}

// JsonEditor edits a JSON text. Until the editor is loaded, and if it cannot be, it is a
// plain field.
export function JsonEditor({ label, value, wanted, readOnly, anyText, hint, height }: JsonEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const [ready, setReady] = useState(false);
  useEffect(() => {
    let gone = false;
    import("./code").then(
      ({ edit }) => {
        if (gone || !host.current) return; // left while it was loading
        editor.current = edit(host.current, { text: value.peek(), label, readOnly, changed: (text) => (value.value = text) });
        setReady(true);
      },
      () => {}, // the plain field stays
    );
    return () => {
      gone = true;
      editor.current?.destroy();
    };
  }, [readOnly]);
  const text = value.value;
  useLayoutEffect(() => editor.current?.set(text), [text]); // at once, before more is typed
  const wrong = text.trim() === "" ? null : mistake(text, wanted);
  return (
    <div class="field">
      <span class="spread">
        {label}
        {!readOnly && (
          <button type="button" class="plain small" disabled={!!wrong} onClick={() => (value.value = pretty(text))}>
            Format
          </button>
        )}
      </span>
      <div class="editor" ref={host} style={{ "--editor-height": height ?? "6rem" }} hidden={!ready} />
      {!ready && <textarea rows={8} class="mono" aria-label={label} readOnly={readOnly} value={text} onInput={(e) => (value.value = e.currentTarget.value)} />}
      {wrong && !anyText ? <small class="error">{wrong}</small> : hint && <small>{hint}</small>}
    </div>
  );
}

// JsonText shows a JSON text in short, on one line.
export const JsonText = ({ value }: { value: string }) => (
  <code class="ellipsis" title={pretty(value)}>
    {value}
  </code>
);
