import { useEffect, useMemo, useState } from "preact/hooks";
import { upload } from "../../lib/api";
import { choose } from "../../lib/files";
import { bytes } from "../../lib/format";
import { go } from "../../lib/router";
import { FormDialog, show } from "../../ui/dialog";
import { tell } from "../../ui/toast";

// importObjects sends a file of objects, all or none of which are written.
export async function importObjects(): Promise<void> {
  const [file] = await choose(".json,.csv,application/json,text/csv");
  if (!file || !(await show<boolean>((close) => <ImportDialog file={file} close={close} />))) return;
  tell("The objects are imported.");
  go("/storage");
}

// ImportDialog sends the file, and says how far that is. Whoever closes it ends the import.
function ImportDialog({ file, close }: { file: File; close: (done?: boolean) => void }) {
  const [sent, setSent] = useState<number | null>(null); // null: it has not begun
  const abort = useMemo(() => new AbortController(), []);
  useEffect(() => () => abort.abort(), []);
  const submit = async () => {
    const form = new FormData();
    form.append(file.name, file, file.name);
    setSent(0);
    try {
      await upload("storage/import", form, setSent, abort.signal);
      close(true);
    } catch (error) {
      if (abort.signal.aborted) return;
      setSent(null);
      throw error;
    }
  };
  return (
    <FormDialog title={`Import ${file.name}?`} action="Import" onClose={() => close(false)} onSubmit={submit}>
      <p>Objects that are there already are replaced. If one of the file is wrong, none is written.</p>
      {sent === null ? (
        <p class="dim">{bytes(file.size)}</p>
      ) : (
        <label class="field" aria-live="polite">
          <span>{sent < 1 ? `${bytes(sent * file.size)} of ${bytes(file.size)} are sent` : "The server checks and writes the objects"}</span>
          <progress value={sent < 1 ? sent : undefined} max={1} />
        </label>
      )}
    </FormDialog>
  );
}
