import "./styles/main.css";
import { render } from "preact";
import { ResetPage } from "./pages/reset";
import { beforeLeaving, here } from "./lib/router";
import { failure, loadOperator, operator, token } from "./lib/session";
import { ask, Dialogs } from "./ui/dialog";
import { Layout } from "./ui/layout";
import { Problem } from "./ui/show";
import { SignInAgain, SignInPage } from "./ui/sign_in";
import { Toasts } from "./ui/toast";

const load = () => void loadOperator().catch(() => {}); // the failure is shown

function App() {
  return (
    <>
      {here.value.path === "/reset" ? <ResetPage /> : !token.value ? <SignInPage /> : operator.value ? <Layout /> : failure.value !== undefined && <Problem error={failure.value} retry={load} />}
      <Dialogs />
      <SignInAgain />
      <Toasts />
    </>
  );
}

beforeLeaving(() => ask({ title: "Leave the form?", text: "What you changed is not saved.", action: "Leave", danger: true }));
if (token.value) load();
render(<App />, document.body);
