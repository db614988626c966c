// What a player can do, with the fields of the forms for it.
import { encode, type Format } from "./payload";
import type { Player, Presence } from "./player";
import { listed, players, suggest } from "./room";

type Choice = readonly [value: string, text: string];

export interface Field {
  name: string;
  label: string;
  kind?: "text" | "number" | "check" | "choice" | "payload" | "json";
  start?: string;
  // choices of a choice; for a text they are only suggestions.
  choices?: (p: Player) => readonly Choice[];
}

export type Values = Record<string, string>;

export interface Action {
  name: string;
  title: string;
  group: string;
  button: string;
  fields: Field[];
  run: (p: Player, v: Values) => Promise<unknown>;
  next?: string; // the action that comes after it
}

const short = (id: string) => (id.length > 20 ? id.slice(0, 8) + "…" : id);
const joined = (p: Player) => p.matches.value.map((m) => [m.id, short(m.id)] as const);
const channels = (p: Player) => p.channels.value.map((c) => [c.id, c.name] as const);
const others = (p: Player) => players.value.filter((o) => o !== p && o.userId.value).map((o) => [o.userId.value, o.username.value] as const);
const people = (list: Presence[]) => list.map((q) => [q.session_id, q.username] as const);
const members = (p: Player) => people(p.party.value?.presences ?? []);

const matchIds = (p: Player): Choice[] => {
  const elsewhere = players.value.filter((o) => o !== p).flatMap((o) => o.matches.value.map((m) => m.id));
  return [...new Set([...elsewhere, ...listed.value])].map((id) => [id, id]);
};

const partyIds = (p: Player): Choice[] => {
  const ids = players.value.filter((o) => o !== p).flatMap((o) => (o.party.value ? [o.party.value.id] : []));
  return [...new Set(ids)].map((id) => [id, id]);
};

const match: Field = { name: "match_id", label: "Match", kind: "choice", choices: joined };
const channel: Field = { name: "channel_id", label: "Channel", kind: "choice", choices: channels };
const data: Field[] = [
  { name: "op_code", label: "Op code", kind: "number", start: "1" },
  { name: "data", label: "Payload", kind: "payload" },
];
const member: Field = { name: "session_id", label: "Member", kind: "choice", choices: members };

// party is the id of the party that a player is in.
function party(p: Player): string {
  if (!p.party.value) throw new Error("The player is in no party.");
  return p.party.value.id;
}

const presence = (list: Presence[], session: string) => {
  const found = list.find((q) => q.session_id === session);
  if (!found) throw new Error("Choose somebody.");
  return found;
};

const payload = (v: Values) => encode((v.format || "json") as Format, v.data ?? "");

function properties(text: string | undefined, what: string): Record<string, unknown> | undefined {
  if (!text?.trim()) return undefined;
  try {
    const value = JSON.parse(text);
    if (value && typeof value === "object" && !Array.isArray(value)) return value;
  } catch {
    // told below
  }
  throw new Error(`${what} have to be a JSON object.`);
}

// matchIn finds a match id in the response of an RPC.
function matchIn(text: string): string | undefined {
  return /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[\w.-]*/.exec(text)?.[0];
}

const remove = (p: Player, ticket: string) =>
  p.party.value && p.leads && !p.tickets.value.includes(ticket) ? p.send("party_matchmaker_remove", { party_id: party(p), ticket }) : p.send("matchmaker_remove", { ticket });

export const leave = (p: Player, match_id: string) => p.send("match_leave", { match_id });
export const joinMatched = async (p: Player) => {
  const found = p.matched.value;
  await p.send("match_join", found.match_id ? { match_id: found.match_id } : { token: found.token });
  p.matched.value = null;
};

export const actions: Action[] = [
  { name: "create", title: "Create a match", group: "Match", button: "Create", next: "data", fields: [{ name: "name", label: "Name (optional)" }], run: (p, v) => p.send("match_create", v.name ? { name: v.name } : {}) },
  {
    name: "join",
    title: "Join a match",
    group: "Match",
    button: "Join",
    next: "data",
    fields: [
      { name: "match_id", label: "Match id, or a token", choices: matchIds },
      { name: "metadata", label: "Metadata (JSON object of texts)", kind: "json" },
    ],
    run: (p, v) => {
      const metadata = properties(v.metadata, "Metadata");
      const id = v.match_id!.trim();
      return p.send("match_join", { ...(matchIn(id) ? { match_id: id } : { token: id }), ...(metadata && { metadata }) });
    },
  },
  {
    name: "list",
    title: "List matches",
    group: "Match",
    button: "List",
    next: "join",
    fields: [
      { name: "authoritative", label: "Kind", kind: "choice", start: "true", choices: () => [["true", "Authoritative"], ["false", "Relayed"]] },
      { name: "label", label: "Label" },
      { name: "query", label: "Query" },
    ],
    run: async (p, v) => {
      const args = { limit: 100, authoritative: v.authoritative === "true", label: v.label, query: v.query };
      const query = new URLSearchParams({ limit: "100", authoritative: v.authoritative! });
      if (v.label) query.set("label", v.label);
      if (v.query) query.set("query", v.query);
      const { matches = [] } = await p.call("ListMatches", "v2/match?" + query, args);
      suggest(matches.map((m: { match_id: string }) => m.match_id));
      return `${matches.length === 1 ? "One match" : `${matches.length} matches`} found.`;
    },
  },
  { name: "data", title: "Send data to a match", group: "Match", button: "Send", fields: [match, ...data], run: (p, v) => p.send("match_data_send", { match_id: v.match_id, op_code: v.op_code, data: payload(v) }) },
  { name: "leave", title: "Leave a match", group: "Match", button: "Leave", fields: [match], run: (p, v) => leave(p, v.match_id!) },
  {
    name: "rpc",
    title: "Call an RPC",
    group: "Match",
    button: "Call",
    fields: [
      { name: "id", label: "Function" },
      { name: "payload", label: "Payload" },
      { name: "join", label: "Join the match that it returns", kind: "check", start: "true" },
    ],
    run: async (p, v) => {
      const { payload = "" } = await p.send("rpc", { id: v.id, payload: v.payload ?? "" });
      const id = matchIn(payload);
      if (!id) return payload;
      suggest([id]);
      if (v.join === "true") await p.send("match_join", { match_id: id });
    },
  },

  {
    name: "search",
    title: "Look for players",
    group: "Matchmaker",
    button: "Search",
    fields: [
      { name: "query", label: "Query", start: "*" },
      { name: "min_count", label: "At least", kind: "number", start: "2" },
      { name: "max_count", label: "At most", kind: "number", start: "2" },
      { name: "count_multiple", label: "Multiple of (optional)", kind: "number" },
      { name: "string_properties", label: "Texts, as a JSON object", kind: "json" },
      { name: "numeric_properties", label: "Numbers, as a JSON object", kind: "json" },
      { name: "party", label: "With the party", kind: "check" },
    ],
    run: (p, v) => {
      const body = {
        query: v.query,
        min_count: Number(v.min_count),
        max_count: Number(v.max_count),
        string_properties: properties(v.string_properties, "Texts") ?? {},
        numeric_properties: properties(v.numeric_properties, "Numbers") ?? {},
        ...(v.count_multiple && { count_multiple: Number(v.count_multiple) }),
      };
      return v.party === "true" ? p.send("party_matchmaker_add", { party_id: party(p), ...body }) : p.send("matchmaker_add", body);
    },
  },
  { name: "cancel", title: "Stop looking", group: "Matchmaker", button: "Stop", fields: [{ name: "ticket", label: "Ticket", kind: "choice", choices: (p) => p.tickets.value.map((t) => [t, short(t)]) }], run: (p, v) => remove(p, v.ticket!) },

  {
    name: "channel",
    title: "Join a channel",
    group: "Chat",
    button: "Join",
    next: "say",
    fields: [
      { name: "type", label: "Kind", kind: "choice", start: "1", choices: () => [["1", "Room"], ["2", "Direct"], ["3", "Group"]] },
      { name: "target", label: "Room, user id or group id", start: "lobby", choices: others },
      { name: "persistence", label: "Keep its messages", kind: "check", start: "true" },
      { name: "hidden", label: "Unseen by others", kind: "check" },
    ],
    run: (p, v) => p.send("channel_join", { target: v.target, type: Number(v.type), persistence: v.persistence === "true", hidden: v.hidden === "true" }),
  },
  {
    name: "say",
    title: "Say something",
    group: "Chat",
    button: "Say",
    fields: [channel, { name: "content", label: "Text, or a JSON object" }],
    run: (p, v) => p.send("channel_message_send", { channel_id: v.channel_id, content: v.content?.trimStart().startsWith("{") ? v.content : JSON.stringify({ text: v.content ?? "" }) }),
  },
  { name: "part", title: "Leave a channel", group: "Chat", button: "Leave", fields: [channel], run: (p, v) => p.send("channel_leave", { channel_id: v.channel_id }) },

  {
    name: "party",
    title: "Create a party",
    group: "Party",
    button: "Create",
    next: "party_data",
    fields: [
      { name: "open", label: "Open to all", kind: "check", start: "true" },
      { name: "max_size", label: "Members at most", kind: "number", start: "4" },
    ],
    run: (p, v) => p.send("party_create", { open: v.open === "true", max_size: Number(v.max_size) }),
  },
  { name: "party_join", title: "Join a party", group: "Party", button: "Join", next: "party_data", fields: [{ name: "party_id", label: "Party id", choices: partyIds }], run: (p, v) => p.send("party_join", { party_id: v.party_id }) },
  { name: "party_data", title: "Send data to the party", group: "Party", button: "Send", fields: data, run: async (p, v) => p.send("party_data_send", { party_id: party(p), op_code: v.op_code, data: payload(v) }) },
  {
    name: "party_accept",
    title: "Let somebody in",
    group: "Party",
    button: "Accept",
    fields: [{ name: "session_id", label: "Who asked", kind: "choice", choices: (p) => people(p.party.value?.requests ?? []) }],
    run: async (p, v) => p.send("party_accept", { party_id: party(p), presence: presence(p.party.value!.requests, v.session_id!) }),
  },
  { name: "party_promote", title: "Make somebody the leader", group: "Party", button: "Promote", fields: [member], run: async (p, v) => p.send("party_promote", { party_id: party(p), presence: presence(p.party.value!.presences, v.session_id!) }) },
  { name: "party_remove", title: "Remove somebody", group: "Party", button: "Remove", fields: [member], run: async (p, v) => p.send("party_remove", { party_id: party(p), presence: presence(p.party.value!.presences, v.session_id!) }) },
  { name: "party_leave", title: "Leave the party", group: "Party", button: "Leave", fields: [], run: async (p) => p.send("party_leave", { party_id: party(p) }) },
  { name: "party_close", title: "Close the party", group: "Party", button: "Close", fields: [], run: async (p) => p.send("party_close", { party_id: party(p) }) },

  { name: "status", title: "Set the status", group: "Status", button: "Set", fields: [{ name: "status", label: "Status" }], run: (p, v) => p.send("status_update", { status: v.status ?? "" }) },
  { name: "follow", title: "Follow somebody", group: "Status", button: "Follow", fields: [{ name: "user_id", label: "User id", choices: others }], run: (p, v) => p.send("status_follow", { user_ids: [v.user_id] }) },
];
