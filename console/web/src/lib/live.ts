// The console's socket: pages subscribe to topics and get what changes, instead of asking
// again and again. The socket is open only while a page is subscribed.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { expired, token } from "./session";
import { hangUp } from "./socket";

export interface Failure {
  code: number;
  message: string;
}

// Args are the arguments of a topic: a function makes them anew for each subscription, also
// for one after an interruption.
type Args = object | (() => object);

interface Subscription {
  topic: string;
  args: Args;
  data: (data: any) => void;
  failed?: (error: Failure) => void;
}

// connected says whether the socket is open, while there are subscriptions.
export const connected = signal(true);

// voidToken is the code with which the server closes a socket without a valid token.
const voidToken = 4401;

const subscriptions = new Map<number, Subscription>();
let last = 0;
let socket: WebSocket | null = null;
let retry = 0;
let timer = 0;

// subscribe calls data with each message of a topic until the returned function is
// called. After an interruption it subscribes again.
export function subscribe(topic: string, args: Args, data: (data: any) => void, failed?: (error: Failure) => void): () => void {
  const id = ++last;
  subscriptions.set(id, { topic, args, data, failed });
  if (socket?.readyState === WebSocket.OPEN) sendSubscribe(id, topic, args);
  else open();
  return () => {
    subscriptions.delete(id);
    if (socket?.readyState === WebSocket.OPEN) send({ unsubscribe: { id } });
    if (subscriptions.size === 0) close();
  };
}

function send(message: unknown): void {
  socket!.send(JSON.stringify(message));
}

const sendSubscribe = (id: number, topic: string, args: Args) => send({ subscribe: { id, topic, args: typeof args === "function" ? args() : args } });

function open(): void {
  if (socket || timer) return;
  const url = new URL("v2/console/live", document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  const used = token.peek();
  const s = (socket = new WebSocket(url));
  s.onopen = () => {
    send({ token: used });
    for (const [id, { topic, args }] of subscriptions) sendSubscribe(id, topic, args);
  };
  s.onmessage = (e) => {
    retry = 0;
    connected.value = true;
    const { id, data, error } = JSON.parse(e.data);
    const to = subscriptions.get(id);
    if (!to) return;
    if (!error) return to.data(data);
    subscriptions.delete(id);
    to.failed?.(error);
  };
  s.onclose = async (e) => {
    if (socket !== s) return;
    if (e.code === voidToken) await expired(used);
    if (socket !== s) return;
    socket = null;
    if (subscriptions.size === 0) return;
    connected.value = false;
    retry = Math.min(retry + 1, 5);
    timer = window.setTimeout(() => {
      timer = 0;
      if (subscriptions.size > 0) open();
    }, 500 * 2 ** (retry - 1) * (0.5 + Math.random()));
  };
}

function close(): void {
  clearTimeout(timer);
  timer = 0;
  connected.value = true;
  const s = socket;
  socket = null;
  if (s) hangUp(s);
}

// useLive subscribes while a page is shown, and again when one of deps changes. A page in
// a hidden tab is not subscribed.
export function useLive(topic: string, args: Args, data: (data: any) => void, deps: unknown[] = [], failed?: (error: Failure) => void): void {
  useEffect(() => {
    let stop: (() => void) | null = null;
    const update = () => {
      if (document.hidden) {
        stop?.();
        stop = null;
      } else stop ??= subscribe(topic, args, data, failed);
    };
    update();
    document.addEventListener("visibilitychange", update);
    return () => {
      document.removeEventListener("visibilitychange", update);
      stop?.();
    };
  }, [topic, ...deps]);
}
