import "./styles/main.css";
import { signal } from "@preact/signals";
import { render } from "preact";
import { ResetPage } from "./pages/reset";
import { beforeLeaving, here } from "./lib/router";
import { loadOperator, operator, token } from "./lib/session";
import { ask, Dialogs } from "./ui/dialog";
import { Layout } from "./ui/layout";
import { Problem } from "./ui/show";
import { SignInAgain, SignInPage } from "./ui/sign_in";
import { Toasts } from "./ui/toast";

// failure is why it could not be found out who is signed in.
const failure = signal<unknown>(undefined);

function App() {
  return (
    <>
      {here.value.path === "/reset" ? <ResetPage /> : !token.value ? <SignInPage /> : operator.value ? <Layout /> : failure.value !== undefined && <Problem error={failure.value} retry={() => location.reload()} />}
      <Dialogs />
      <SignInAgain />
      <Toasts />
    </>
  );
}

beforeLeaving(() => ask({ title: "Leave the form?", text: "What you changed is not saved.", action: "Leave", danger: true }));
if (token.value) loadOperator().catch((error) => (failure.value = error));
render(<App />, document.body);
