// Who is signed in, and what this operator may do.
import { computed, signal } from "@preact/signals";
import { get, path, request } from "./api";
import type { ConsoleSession, User } from "./types";

const key = "kumi.console.token";

// token signs the calls. All tabs share it; it is empty while nobody is signed in.
export const token = signal(localStorage.getItem(key) ?? "");

// operator is who is signed in, null until that is known.
export const operator = signal<User | null>(null);

// failure is why it could not be found out who is signed in.
export const failure = signal<unknown>(undefined);

// asking is true while the operator has to sign in again in the middle of work.
export const asking = signal(false);

addEventListener("storage", (e) => {
  if (e.key !== key && e.key !== null) return;
  const value = localStorage.getItem(key) ?? "";
  // A failure is shown in place of the page. In the middle of work it is not: the page
  // stays, and goes on asking for the sign-in if it did so.
  if (value) signedIn(value, false).catch(() => {});
  else forget();
});

let waiting: { promise: Promise<void>; resolve: () => void } | null = null;

// expired waits until the operator has signed in again, after the token that a call used
// turned out to be void.
export function expired(used: string): Promise<void> {
  if (token.peek() !== used) return Promise.resolve(); // has happened meanwhile
  if (!waiting) {
    let resolve = () => {};
    waiting = { promise: new Promise<void>((done) => (resolve = done)), resolve };
    asking.value = true;
  }
  return waiting.promise;
}

// signIn sends credentials. It returns the token that sets up a second factor if the
// operator has to do so first.
export async function signIn(username: string, password: string, mfa: string): Promise<string> {
  const session = await request<ConsoleSession>("POST", "authenticate", { body: { username, password, mfa }, open: true });
  if (session.mfa_code) return session.mfa_code;
  await signedIn(session.token);
  return "";
}

async function signedIn(value: string, store = true): Promise<void> {
  token.value = value;
  if (store) localStorage.setItem(key, value);
  await loadOperator();
  asking.value = false;
  waiting?.resolve();
  waiting = null;
}

// signOut ends the sign-in, on the server and in all tabs.
export async function signOut(): Promise<void> {
  const value = token.peek();
  forget();
  localStorage.removeItem(key);
  await request("POST", "authenticate/logout", { body: { token: value }, open: true });
}

let end = new AbortController();

// signedOut aborts when the operator who is signed in now signs out, here or in another tab.
export const signedOut = () => end.signal;

function forget(): void {
  token.value = "";
  operator.value = null;
  failure.value = undefined;
  asking.value = false;
  waiting = null;
  end.abort();
  end = new AbortController();
}

// loadOperator asks who is signed in. With a void token nobody is. It sets failure, and
// throws, if it cannot be found out. A sign-out ends it, with nothing done.
export async function loadOperator(): Promise<void> {
  const { usn } = claimsOf(token.peek());
  const left = signedOut();
  try {
    const found = await request<User>("GET", path`user/${String(usn)}`, { open: true, signal: left });
    if (!left.aborted) operator.value = found;
  } catch (e) {
    if (left.aborted) return;
    if ((e as { status?: number }).status !== 401) {
      failure.value = e;
      throw e;
    }
    forget();
    localStorage.removeItem(key);
  }
}

// reloadOperator gets the rights of the operator again, after a change of them.
export async function reloadOperator(): Promise<void> {
  operator.value = await get<User>(path`user/${operator.peek()?.username ?? ""}`);
}

// claimsOf reads what a token says, without checking it.
export function claimsOf(jwt: string): Record<string, unknown> {
  try {
    const part = (jwt.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}

// Right is a resource and a level, as in the messages of the server: "ACCOUNT:write".
export type Right = `${string}:${"read" | "write" | "delete"}`;

const rights = computed(() => operator.value?.acl ?? {});

// can reports whether the operator has a right; anyone has none at all.
export function can(right?: Right): boolean {
  if (!right) return true;
  const [resource, level] = right.split(":") as [string, "read" | "write" | "delete"];
  return rights.value[resource]?.[level] ?? false;
}
