// Calls of the console's API. Paths are relative to the page's own address, so the
// console also works below a path of a proxy.
import { expired, signedOut, token } from "./session";

// ApiError is a call that failed. A status of 0 means that the server was not reached.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

type Value = string | number | boolean | null | undefined;
export type Query = Record<string, Value | string[]>;

export interface Options {
  query?: Query;
  body?: unknown; // sent as JSON; a RawJson is sent as it is
  signal?: AbortSignal;
  open?: boolean; // the call needs no sign-in: a 401 is an error like others
}

// RawJson is a JSON text that is sent as it is, so its numbers keep all their digits.
export class RawJson {
  constructor(readonly text: string) {}
}

// path encodes the values in a path: path`account/${id}`.
export function path(parts: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}

// address is the URL of a call.
export function address(path: string, query: Query = {}): URL {
  const url = new URL("v2/console/" + path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    for (const v of Array.isArray(value) ? value : [value]) {
      if (v !== undefined && v !== null && v !== "") url.searchParams.append(name, String(v));
    }
  }
  return url;
}

// request makes a call and reads its response. If the sign-in has expired it waits until
// the operator has signed in again and repeats the call, so nobody loses what was typed.
export function request<T>(method: string, path: string, o: Options = {}, read: (r: Response) => Promise<T> = (r) => r.json()): Promise<T> {
  return whileSignedIn(o, async (signal) => {
    for (;;) {
      const used = token.peek();
      const headers: Record<string, string> = used ? { Authorization: "Bearer " + used } : {};
      let body: string | undefined;
      if (o.body !== undefined) {
        headers["Content-Type"] = "application/json";
        body = o.body instanceof RawJson ? o.body.text : JSON.stringify(o.body);
      }
      let response: Response;
      try {
        response = await fetch(address(path, o.query), { method, headers, body, signal });
      } catch (e) {
        if (e instanceof DOMException && e.name === "AbortError") throw e;
        throw new ApiError(0, 14, "The server cannot be reached.");
      }
      if (response.ok) return read(response);
      if (response.status === 401 && !o.open) {
        await expired(used);
        continue;
      }
      throw failure(response.status, response.statusText, await response.text());
    }
  });
}

// whileSignedIn makes a call in the operator's name. It is aborted when the operator signs
// out, and never returns then: what waited for it is gone from the page. Without a sign-in
// it is not made. A call that needs none ends only by itself or by its caller.
function whileSignedIn<T>({ open, signal }: Options, call: (signal?: AbortSignal) => Promise<T>): Promise<T> {
  if (open) return call(signal);
  if (!token.peek()) return new Promise(() => {});
  const left = signedOut();
  return new Promise((resolve, reject) => {
    call(signal ? AbortSignal.any([signal, left]) : left).then(
      (value) => left.aborted || resolve(value),
      (error) => left.aborted || reject(error),
    );
  });
}

function failure(status: number, statusText: string, text: string): ApiError {
  try {
    const { code, message } = JSON.parse(text);
    return new ApiError(status, code ?? 2, message || statusText);
  } catch {
    return new ApiError(status, 2, text.trim() || statusText || `HTTP ${status}`);
  }
}

// upload sends a form as request does, and says how much of it is sent, from 0 to 1.
export function upload(path: string, form: FormData, progress: (sent: number) => void, caller: AbortSignal): Promise<void> {
  return whileSignedIn({ signal: caller }, async (signal) => {
    for (;;) {
      const used = token.peek();
      const sent = await transmit(path, form, used, progress, signal!);
      if (sent.status >= 200 && sent.status < 300) return;
      if (sent.status !== 401) throw failure(sent.status, sent.statusText, sent.responseText);
      await expired(used);
    }
  });
}

// transmit uses an XMLHttpRequest, since fetch does not say how far it is.
function transmit(path: string, form: FormData, used: string, progress: (sent: number) => void, signal: AbortSignal): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const call = new XMLHttpRequest();
    call.open("POST", address(path));
    call.setRequestHeader("Authorization", "Bearer " + used);
    call.upload.onprogress = (e) => progress(e.total > 0 ? e.loaded / e.total : 0);
    call.onload = () => resolve(call);
    call.onerror = () => reject(new ApiError(0, 14, "The server cannot be reached, or refused the file while it was sent."));
    call.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => call.abort());
    call.send(form);
  });
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) => request<T>("GET", path, { query, signal });
export const post = <T = unknown>(path: string, body: unknown = {}) => request<T>("POST", path, { body });
export const put = <T = unknown>(path: string, body: unknown = {}) => request<T>("PUT", path, { body });
export const del = <T = unknown>(path: string, query?: Query) => request<T>("DELETE", path, { query });

// text makes a call and returns its response as it was written, for exports: numbers
// keep all their digits.
export const text = (path: string, query?: Query) => request("GET", path, { query }, (r) => r.text());

// messageOf is what to tell the operator about an error.
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
