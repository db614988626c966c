import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { ApiError, messageOf, request } from "../lib/api";
import { asking, operator, signIn, signOut } from "../lib/session";
import { Dialog } from "./dialog";
import { TextField } from "./field";
import { SecondFactor } from "./second_factor";
import { Problem } from "./show";
import { complain } from "./toast";

// The errors that ask for more than the password.
const needsCode = (e: unknown) => e instanceof ApiError && e.status === 403 && e.message === "A MFA code is required.";
const needsFirstPassword = (e: unknown) => e instanceof ApiError && /one-time code/.test(e.message);

// SignIn asks for name and password and for what else the server wants: the code of a
// second factor, to set one up, or the first password of the console.
export function SignIn() {
  const username = useSignal(operator.peek()?.username ?? "");
  const password = useSignal("");
  const mfa = useSignal("");
  const code = useSignal("");
  const [step, go] = useState<"password" | "code" | "first">("password");
  const [setup, setSetup] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);

  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      if (step === "first") {
        await request("POST", "authenticate/first_visit", { body: { code: code.value.trim(), password: password.value }, open: true });
      }
      setSetup(await signIn(username.value.trim(), password.value, mfa.value.trim()));
    } catch (error) {
      if (needsCode(error) && step !== "code") go("code");
      else if (needsFirstPassword(error) && step !== "first") {
        password.value = "";
        go("first");
      } else setError(error);
    }
    setBusy(false);
  };

  if (setup) {
    return (
      <SecondFactor
        setup={setup}
        done={() => {
          setSetup("");
          go("code");
        }}
      />
    );
  }
  return (
    <form class="sign-in" onSubmit={submit}>
      <TextField label="Name or e-mail address" value={username} autocomplete="username" autocapitalize="none" required autofocus={!username.value} />
      {step === "first" && (
        <>
          <p>This console still has its default password, which works on the server's own machine only. Choose another one; the one-time code for it is in the server's log.</p>
          <TextField label="One-time code" value={code} autocomplete="off" required autofocus />
        </>
      )}
      <TextField
        label={step === "first" ? "New password, at least 12 characters" : "Password"}
        type="password"
        value={password}
        autocomplete={step === "first" ? "new-password" : "current-password"}
        required
        autofocus={!!username.value}
      />
      {step === "code" && (
        <TextField label="Code of your authenticator app, or a recovery code" value={mfa} inputmode="numeric" autocomplete="one-time-code" required autofocus />
      )}
      {error !== undefined && <Problem error={messageOf(error)} />}
      <button class="primary" disabled={busy}>
        {step === "first" ? "Set password and sign in" : "Sign in"}
      </button>
    </form>
  );
}

// SignInPage is all there is to see for those who are not signed in.
export const SignInPage = () => (
  <main class="front">
    <Logo />
    <h1>Sign in</h1>
    <SignIn />
  </main>
);

// SignInAgain is over the page when a sign-in ends in the middle of work. What is in the
// page stays.
export const SignInAgain = () =>
  asking.value ? (
    <Dialog title="Sign in again" onClose={() => {}}>
      <p>Your sign-in has ended. Nothing on the page is lost.</p>
      <SignIn />
      <button type="button" class="plain" onClick={() => signOut().catch(complain)}>
        Leave instead
      </button>
    </Dialog>
  ) : null;

export const Logo = () => (
  <svg class="logo" viewBox="0 0 32 32" role="img" aria-label="Kumi">
    <rect width="32" height="32" rx="8" />
    <path d="M10 7v18M22 7 11 17l11 8" />
  </svg>
);
