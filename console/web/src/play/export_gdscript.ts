// The Godot 4 SDK, in GDScript.
import { type Context, type Dialect, object, payload, quoted } from "./export";

const json = (v: unknown) => JSON.stringify(v ?? {});

// send picks the method for texts, or the one for bytes.
function send(method: string, id: string, b: any): string {
  const { text, bytes } = payload(b.data);
  return text !== undefined ? `socket.${method}_async(${id}, ${b.op_code}, ${text})` : `socket.${method}_raw_async(${id}, ${b.op_code}, PackedByteArray([${bytes}]))`;
}

const search = (b: any) => `${quoted(b.query)}, ${b.min_count}, ${b.max_count}, ${json(b.string_properties)}, ${json(b.numeric_properties)}${b.count_multiple ? ", " + b.count_multiple : ""}`;

const named = (list: string, presence: any) => `${list}.filter(func(p): return p.username == ${quoted(presence.username)})[0]`;

const withMember = (method: string) => (b: any, c: Context) => {
  const id = c.id(b.party_id, "party");
  return id.endsWith(".party_id") ? `socket.${method}(${id}, ${named(id.replace(/party_id$/, "presences"), b.presence)})` : "";
};

const handlers: Record<string, string> = {
  channel_message: "received_channel_message",
  channel_presence_event: "received_channel_presence",
  match_data: "received_match_state",
  match_presence_event: "received_match_presence",
  notifications: "received_notification",
  party: "received_party",
  party_close: "received_party_close",
  party_data: "received_party_data",
  party_join_request: "received_party_join_request",
  party_leader: "received_party_leader",
  party_presence_event: "received_party_presence",
  status_presence_event: "received_status_presence",
  stream_data: "received_stream_state",
  stream_presence_event: "received_stream_presence",
};

export const gdscript: Dialect = {
  extension: "gd",
  variable: (name) => name,
  head: (s) => [
    "extends Node",
    "",
    "func _ready() -> void:",
    `\tvar client := Nakama.create_client(${quoted(s.key)}, ${quoted(s.host)}, ${s.port}, ${quoted(s.ssl ? "https" : "http")})`,
    "\tvar socket := Nakama.create_socket_from(client)",
  ],
  foot: [],
  indent: "\t",
  comment: "#",
  session: (e, first) => `${first ? "var " : ""}session = await ${e}`,
  declare: (name, e) => `var ${name} = await ${e}`,
  constant: (name, value) => `var ${name} := ${quoted(value)}`,
  wait: (e) => (e === "socket.close()" ? e : `await ${e}`),
  matched: () => "socket.received_matchmaker_matched",
  id: (thing, v) => v + { match: ".match_id", party: ".party_id", channel: ".id", ticket: ".ticket", matched: ".match_id", rpc: ".payload" }[thing],
  parsed: (v, field) => `JSON.parse_string(${v}.payload)` + (field === undefined ? "" : `[${quoted(field)}]`),
  handler: (kind) => (handlers[kind] ? [`socket.${handlers[kind]}.connect(func(message): print(${quoted(kind)}, " ", message))`] : []),
  steps: {
    authenticate: (b) => `client.authenticate_${b.kind}_async(${quoted(b.account.id)}${b.username ? ", " + quoted(b.username) : ""})`,
    connect: () => "socket.connect_async(session, true)",
    disconnect: () => "socket.close()",
    channel_join: (b) => `socket.join_chat_async(${quoted(b.target)}, NakamaSocket.ChannelType.${["", "Room", "DirectMessage", "Group"][b.type]}, ${!!b.persistence}, ${!!b.hidden})`,
    channel_leave: (b, c) => `socket.leave_chat_async(${c.id(b.channel_id, "channel")})`,
    channel_message_send: (b, c) => `socket.write_chat_message_async(${c.id(b.channel_id, "channel")}, ${object(b.content)})`,
    status_update: (b) => `socket.update_status_async(${quoted(b.status ?? "")})`,
    status_follow: (b) => `socket.follow_users_async(${JSON.stringify(b.user_ids ?? [])}, [])`,
    party_create: (b) => `socket.create_party_async(${!!b.open}, ${b.max_size})`,
    party_join: (b, c) => `socket.join_party_async(${c.id(b.party_id, "party")})`,
    party_leave: (b, c) => `socket.leave_party_async(${c.id(b.party_id, "party")})`,
    party_close: (b, c) => `socket.close_party_async(${c.id(b.party_id, "party")})`,
    party_accept: (b, c) => {
      const id = c.id(b.party_id, "party");
      return `socket.accept_party_member_async(${id}, ${named(`(await socket.list_party_join_requests_async(${id})).presences`, b.presence)})`;
    },
    party_remove: withMember("remove_party_member_async"),
    party_promote: withMember("promote_party_member"),
    party_data_send: (b, c) => send("send_party_data", c.id(b.party_id, "party"), b),
    matchmaker_add: (b) => `socket.add_matchmaker_async(${search(b)})`,
    matchmaker_remove: (b, c) => `socket.remove_matchmaker_async(${c.id(b.ticket, "ticket")})`,
    party_matchmaker_add: (b, c) => `socket.add_matchmaker_party_async(${c.id(b.party_id, "party")}, ${search(b)})`,
    party_matchmaker_remove: (b, c) => `socket.remove_matchmaker_party_async(${c.id(b.party_id, "party")}, ${c.id(b.ticket, "ticket")})`,
    match_create: (b) => `socket.create_match_async(${b.name ? quoted(b.name) : ""})`,
    match_join: (b, c) => (b.token ? (c.matched ? `socket.join_matched_async(${c.matched})` : "") : `socket.join_match_async(${c.id(b.match_id, "match")}${b.metadata ? ", " + json(b.metadata) : ""})`),
    match_leave: (b, c) => `socket.leave_match_async(${c.id(b.match_id, "match")})`,
    match_data_send: (b, c) => send("send_match_state", c.id(b.match_id, "match"), b),
    rpc: (b) => `socket.rpc_async(${quoted(b.id)}, ${quoted(b.payload ?? "")})`,
    ListMatches: ({ args: b }) => `client.list_matches_async(session, 0, 100, ${b.limit}, ${b.authoritative}, ${quoted(b.label ?? "")}, ${quoted(b.query ?? "")})`,
  },
};
