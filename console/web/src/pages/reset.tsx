import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { request } from "../lib/api";
import { filter, go } from "../lib/router";
import { claimsOf } from "../lib/session";
import { TextField } from "../ui/field";
import { Problem } from "../ui/show";
import { Logo } from "../ui/sign_in";
import { tell } from "../ui/toast";

// ResetPage sets a password with the link of an invitation or of a reset.
export function ResetPage() {
  const code = filter("token");
  const name = String(claimsOf(code).usn ?? "");
  const password = useSignal("");
  const again = useSignal("");
  const [error, setError] = useState<unknown>();
  const differs = again.value !== "" && again.value !== password.value;
  const submit = async (e: Event) => {
    e.preventDefault();
    setError(undefined);
    try {
      await request("POST", "authenticate/password_change", { body: { code, password: password.value }, open: true });
      tell("Your password is set. Sign in with it.");
      go("/");
    } catch (error) {
      setError(error);
    }
  };
  return (
    <main class="front">
      <Logo />
      <h1>Choose a password</h1>
      <form class="sign-in" onSubmit={submit}>
        {name && <p>For the operator {name}.</p>}
        <input type="text" autocomplete="username" value={name} hidden readOnly />
        <TextField label="New password" hint="At least 12 characters" type="password" value={password} autocomplete="new-password" minLength={12} required autofocus />
        <TextField label="The same again" type="password" value={again} autocomplete="new-password" required error={differs && "The passwords differ."} />
        {error !== undefined && <Problem error={error} />}
        <button class="primary" disabled={differs}>
          Set password
        </button>
      </form>
    </main>
  );
}
