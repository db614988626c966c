import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { request } from "../lib/api";
import { save } from "../lib/files";
import { claimsOf } from "../lib/session";
import { Action } from "./action";
import { TextField } from "./field";
import { Problem } from "./show";

// SecondFactor sets up an authenticator app with a token for it: it shows the QR code that
// the app reads, checks a first code, and shows the recovery codes.
export function SecondFactor({ setup, done }: { setup: string; done: () => void }) {
  const claims = claimsOf(setup);
  const link = decodeURIComponent(String(claims.mfa_url ?? "").replace(/\+/g, " "));
  const code = useSignal("");
  const [recovery, setRecovery] = useState<string[]>();
  const [error, setError] = useState<unknown>();
  const submit = async (e: Event) => {
    e.preventDefault();
    setError(undefined);
    try {
      const { recovery_codes } = await request<{ recovery_codes: string[] }>("POST", "authenticate/mfa", { body: { mfa: setup, code: code.value.trim() }, open: true });
      setRecovery(recovery_codes);
    } catch (error) {
      setError(error);
    }
  };
  if (recovery) {
    return (
      <div class="sign-in">
        <p>Keep these recovery codes in a safe place. Each signs you in once without your app; they are not shown again.</p>
        <pre class="codes">{recovery.join("\n")}</pre>
        <Action label="Save as a file" run={() => save("kumi-recovery-codes.txt", recovery.join("\n") + "\n", "text/plain")} />
        <Action label="Go on" kind="primary" run={done} />
      </div>
    );
  }
  return (
    <form class="sign-in" onSubmit={submit}>
      <p>Your account needs a second factor. Scan this with an authenticator app and enter the six digits that it shows.</p>
      <QrCode text={link} />
      <p class="faint">
        No camera? Enter this key: <code>{String(claims.secret ?? "")}</code>
      </p>
      <TextField label="Code" value={code} inputmode="numeric" autocomplete="one-time-code" required autofocus />
      {error !== undefined && <Problem error={error} />}
      <button class="primary">Set up</button>
    </form>
  );
}

// QrCode draws a text in the browser; it goes nowhere.
function QrCode({ text }: { text: string }) {
  const [drawn, set] = useState<{ path: string; size: number }>();
  useEffect(() => {
    void import("qrcode-generator").then(({ default: qrcode }) => {
      const qr = qrcode(0, "M");
      qr.addData(text);
      qr.make();
      const size = qr.getModuleCount();
      let path = "";
      for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if (qr.isDark(y, x)) path += `M${x} ${y}h1v1h-1z`;
      set({ path, size });
    });
  }, [text]);
  if (!drawn) return <div class="qr" aria-busy="true" />;
  return (
    <svg class="qr" viewBox={`-4 -4 ${drawn.size + 8} ${drawn.size + 8}`} role="img" aria-label="QR code for the authenticator app" shape-rendering="crispEdges">
      <path d={drawn.path} />
    </svg>
  );
}
