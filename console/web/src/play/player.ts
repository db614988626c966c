// Player is a made-up player: an account, a session and a socket of the client API.
import { signal } from "@preact/signals";
import { hangUp } from "../lib/socket";
import { type Conditions, Link, perfect } from "./link";
import type { Timeline } from "./timeline";

export interface Presence {
  user_id: string;
  session_id: string;
  username: string;
  status?: string | null;
}

export interface Match {
  id: string;
  authoritative: boolean;
  label: string;
  presences: Presence[]; // the others
}

export interface Party {
  id: string;
  leader: string; // session id
  presences: Presence[];
  requests: Presence[]; // who asked to join
}

export interface Channel {
  id: string;
  name: string;
}

// Step is something that a player did, for the export as code. Beside the messages of the
// socket there are authenticate, connect, disconnect, call and matched.
export interface Step {
  kind: string;
  body: any;
  reply?: any;
  error?: string;
}

// maxSteps and maxSize bound what is kept for the export: the first steps are dropped.
const maxSteps = 2000;
const maxSize = 4 << 20; // characters of the messages
const patience = 15_000; // milliseconds for a response

// CallError is a failed request: of the HTTP API or of the socket.
export class CallError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export type State = "offline" | "connecting" | "online";

// Account is how a player signs in.
export interface Account {
  kind: "device" | "custom";
  id: string;
  username: string; // blank: the server chooses one
}

// Server is what players connect to.
export interface Server {
  base: string; // the URL of the client API, with a slash at the end
  key: string; // the server key
}

// unanswered are the messages of the socket without a response.
const unanswered = new Set(["match_data_send", "party_data_send"]);
// lossy are the messages of the server that may be lost.
const lossy = new Set(["match_data", "party_data", "stream_data"]);

type Waiting = { step: Step; resolve: (reply: any) => void; reject: (error: Error) => void; timer: ReturnType<typeof setTimeout> };

export class Player {
  readonly state = signal<State>("offline");
  readonly conditions = signal<Conditions>(perfect);
  readonly userId = signal("");
  readonly username = signal("");
  readonly status = signal("");
  readonly matches = signal<Match[]>([]);
  readonly channels = signal<Channel[]>([]);
  readonly party = signal<Party | null>(null);
  readonly tickets = signal<string[]>([]);
  readonly matched = signal<any>(null); // the last matchmaker_matched that was not joined

  steps: Step[] = [];
  truncated = false; // there were more steps
  private sizes: number[] = []; // of the steps
  private size = 0;

  private token = "";
  private until = 0; // when the token expires
  private sessionId = "";
  private socket: WebSocket | null = null;
  private out = new Link(() => this.conditions.peek());
  private in = new Link(() => this.conditions.peek());
  private waiting = new Map<string, Waiting>();
  private cid = 0;

  constructor(
    readonly number: number,
    readonly account: Account,
    private readonly server: Server,
    private readonly timeline: Timeline,
  ) {}

  get serverKey(): string {
    return this.server.key;
  }

  // connect signs in, unless the session is still valid, and opens the socket.
  async connect(): Promise<void> {
    if (this.state.peek() !== "offline") return;
    this.state.value = "connecting";
    try {
      if (Date.now() > this.until - 5000) await this.signIn();
      if (this.state.peek() !== "connecting") return; // dropped meanwhile
      await this.open();
    } catch (e) {
      this.state.value = "offline";
      throw e;
    }
  }

  // drop closes the socket without a word, as a lost connection does.
  drop(): void {
    this.state.value = "offline";
    if (!this.socket) return;
    this.record({ kind: "disconnect", body: {} });
    this.gone("dropped");
  }

  private async signIn(): Promise<void> {
    const { kind, id, username } = this.account;
    const body = { account: { id }, kind, username, create: true };
    const query = new URLSearchParams({ create: "true" });
    if (username) query.set("username", username);
    const session = await this.fetch("authenticate", "POST", `v2/account/authenticate/${kind}?${query}`, { id }, "Basic " + btoa(this.server.key + ":"));
    this.token = session.token;
    const claims = JSON.parse(atob(session.token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    this.until = claims.exp * 1000;
    this.userId.value = claims.uid;
    this.username.value = decodeURIComponent(escape(claims.usn));
    this.record({ kind: "authenticate", body });
  }

  // call makes a GET request of the HTTP API in the player's name. The arguments are what
  // the request is about, for the export.
  async call(name: string, path: string, args: object): Promise<any> {
    if (!this.token) throw new Error("The player has not signed in.");
    const step = this.record({ kind: "call", body: { name, args } });
    try {
      return await this.fetch(name, "GET", path, undefined, "Bearer " + this.token);
    } catch (e) {
      step.error = (e as Error).message;
      throw e;
    }
  }

  private async fetch(name: string, method: string, path: string, body: unknown, authorization: string): Promise<any> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    this.log("sent", name, text ?? path);
    await new Promise<void>((resolve) => this.out.pass(false, resolve));
    const response = await fetch(this.server.base + path, { method, headers: { Authorization: authorization, "Content-Type": "application/json" }, body: text });
    const answer = await response.text();
    await new Promise<void>((resolve) => this.in.pass(false, resolve));
    this.log("received", name, answer, !response.ok);
    if (response.ok) return answer ? JSON.parse(answer) : {};
    let message = answer;
    let code = 2;
    try {
      ({ message, code } = JSON.parse(answer));
    } catch {
      // not from the API
    }
    throw new CallError(code, message || `HTTP ${response.status}`);
  }

  private open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const url = new URL("ws", this.server.base);
      url.protocol = url.protocol.replace("http", "ws");
      url.search = new URLSearchParams({ token: this.token, status: "true", format: "json" }).toString();
      const socket = (this.socket = new WebSocket(url));
      socket.onopen = () => {
        this.record({ kind: "connect", body: {} });
        this.log("local", "connected", "");
        this.state.value = "online";
        resolve();
      };
      socket.onmessage = (e) => {
        const message = JSON.parse(e.data);
        const lost = !this.in.pass(lossy.has(kindOf(message)), () => this.socket === socket && this.receive(message));
        if (lost) this.log("lost", kindOf(message), JSON.stringify(message[kindOf(message)]));
      };
      socket.onclose = (e) => {
        reject(new Error("The socket could not be opened."));
        if (this.socket === socket) this.gone(e.reason || `closed with ${e.code}`);
      };
    });
  }

  // gone is the end of the socket: with it the server forgets what the player joined.
  private gone(reason: string): void {
    const socket = this.socket;
    this.socket = null;
    this.in.cut();
    this.out.cut();
    if (socket) hangUp(socket);
    this.log("local", "disconnected", JSON.stringify(reason));
    for (const w of this.waiting.values()) {
      clearTimeout(w.timer);
      w.reject(new Error("The connection was lost."));
    }
    this.waiting.clear();
    this.matches.value = [];
    this.channels.value = [];
    this.party.value = null;
    this.tickets.value = [];
    this.matched.value = null;
    this.status.value = "";
    this.state.value = "offline";
  }

  // send sends a message on the socket and waits for its response, if it has one.
  async send(kind: string, body: object): Promise<any> {
    const socket = this.socket;
    if (socket?.readyState !== WebSocket.OPEN) throw new Error("The player is not connected.");
    const text = JSON.stringify(body);
    const step = this.record({ kind, body }, text.length);
    if (unanswered.has(kind)) {
      const passed = this.out.pass(true, () => this.socket === socket && socket.send(`{"${kind}":${text}}`));
      this.log(passed ? "sent" : "lost", kind, text);
      return {};
    }
    const cid = String(++this.cid);
    this.log("sent", kind, text);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(cid);
        reject(new Error(`No response to ${kind} within ${patience / 1000} seconds.`));
      }, patience);
      this.waiting.set(cid, { step, resolve, reject, timer });
      this.out.pass(false, () => this.socket === socket && socket.send(`{"cid":"${cid}","${kind}":${text}}`));
    });
  }

  private receive(message: any): void {
    const kind = kindOf(message);
    const body = message[kind] ?? {};
    this.log("received", kind, JSON.stringify(body), kind === "error");
    const waiting = this.waiting.get(message.cid);
    if (waiting) {
      this.waiting.delete(message.cid);
      clearTimeout(waiting.timer);
      if (kind === "error") {
        waiting.step.error = body.message;
        waiting.reject(new CallError(body.code, body.message));
        return;
      }
      const { match_id, party_id, id, ticket, payload } = body; // what the export needs
      waiting.step.reply = { match_id, party_id, id, ticket, payload };
      this.answered(waiting.step, body);
      waiting.resolve(body);
    } else this.event(kind, body);
  }

  // answered follows what a successful request changed.
  private answered({ kind, body }: Step, reply: any): void {
    switch (kind) {
      case "match_create":
      case "match_join":
        this.joined(reply);
        break;
      case "match_leave":
        this.matches.value = this.matches.value.filter((m) => m.id !== body.match_id);
        break;
      case "channel_join":
        this.channels.value = [...this.channels.value.filter((c) => c.id !== reply.id), { id: reply.id, name: body.target }];
        break;
      case "channel_leave":
        this.channels.value = this.channels.value.filter((c) => c.id !== body.channel_id);
        break;
      case "party_create":
        this.enter(reply);
        break;
      case "party_leave":
      case "party_close":
        this.party.value = null;
        break;
      case "matchmaker_add":
      case "party_matchmaker_add":
        this.tickets.value = [...this.tickets.value, reply.ticket];
        break;
      case "matchmaker_remove":
      case "party_matchmaker_remove":
        this.tickets.value = this.tickets.value.filter((t) => t !== body.ticket);
        break;
      case "status_update":
        this.status.value = body.status ?? "";
    }
  }

  private joined(reply: any): void {
    this.sessionId = reply.self?.session_id ?? this.sessionId;
    const match = { id: reply.match_id, authoritative: !!reply.authoritative, label: reply.label ?? "", presences: this.others(reply.presences ?? []) };
    this.matches.value = [...this.matches.value.filter((m) => m.id !== match.id), match];
  }

  private enter(party: any): void {
    this.sessionId = party.self?.session_id ?? this.sessionId;
    this.party.value = { id: party.party_id, leader: party.leader?.session_id ?? "", presences: this.others(party.presences ?? []), requests: [] };
  }

  private others(list: Presence[]): Presence[] {
    return list.filter((p) => p.session_id !== this.sessionId);
  }

  // leads says whether the player leads its party.
  get leads(): boolean {
    return this.party.value?.leader === this.sessionId;
  }

  // event follows what others and the server changed.
  private event(kind: string, body: any): void {
    const party = this.party.peek();
    switch (kind) {
      case "match_presence_event":
        this.matches.value = this.matches.value.map((m) => (m.id === body.match_id ? { ...m, presences: this.others(changed(m.presences, body)) } : m));
        break;
      case "matchmaker_matched":
        this.tickets.value = this.tickets.value.filter((t) => t !== body.ticket);
        this.matched.value = body;
        this.record({ kind: "matched", body: { match_id: body.match_id } });
        break;
      case "party":
        this.enter(body);
        break;
      case "party_presence_event":
        if (party) this.party.value = { ...party, presences: this.others(changed(party.presences, body)), requests: party.requests.filter((p) => !(body.joins ?? []).some((j: Presence) => j.session_id === p.session_id)) };
        break;
      case "party_leader":
        if (party) this.party.value = { ...party, leader: body.presence?.session_id ?? "" };
        break;
      case "party_join_request":
        if (party) this.party.value = { ...party, requests: changed(party.requests, { joins: body.presences }) };
        break;
      case "party_close":
        this.party.value = null;
        break;
      case "party_matchmaker_ticket":
        this.tickets.value = [...new Set([...this.tickets.value, body.ticket as string])];
    }
  }

  private record(step: Step, size = 0): Step {
    this.steps.push(step);
    this.sizes.push(size);
    this.size += size;
    while (this.steps.length > maxSteps || (this.size > maxSize && this.steps.length > 1)) {
      this.steps.shift();
      this.size -= this.sizes.shift()!;
      this.truncated = true;
    }
    return step;
  }

  private log(way: "sent" | "received" | "lost" | "local", kind: string, text: string, failed = false): void {
    this.timeline.add(this.number, way, kind, text, failed);
  }
}

// kindOf is the name of an envelope's message. An empty envelope only confirms.
export function kindOf(envelope: object): string {
  for (const name in envelope) if (name !== "cid") return name;
  return "ok";
}

function changed(list: Presence[], { joins = [], leaves = [] }: { joins?: Presence[]; leaves?: Presence[] }): Presence[] {
  const gone = new Set([...leaves, ...joins].map((p) => p.session_id));
  return [...list.filter((p) => !gone.has(p.session_id)), ...joins];
}
