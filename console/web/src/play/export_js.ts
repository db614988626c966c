// The JavaScript SDK, @heroiclabs/nakama-js.
import { camel, type Dialect, object, payload, quoted } from "./export";

const json = (v: unknown) => JSON.stringify(v ?? {});

function data(base64?: string): string {
  const { text, bytes } = payload(base64);
  return text ?? `new Uint8Array([${bytes}])`;
}

const search = (b: any) => `${quoted(b.query)}, ${b.min_count}, ${b.max_count}, ${json(b.string_properties)}, ${json(b.numeric_properties)}`;

const handlers: Record<string, string> = {
  channel_message: "onchannelmessage",
  channel_presence_event: "onchannelpresence",
  match_data: "onmatchdata",
  match_presence_event: "onmatchpresence",
  notifications: "onnotification",
  party: "onparty",
  party_close: "onpartyclose",
  party_data: "onpartydata",
  party_join_request: "onpartyjoinrequest",
  party_leader: "onpartyleader",
  party_presence_event: "onpartypresence",
  status_presence_event: "onstatuspresence",
  stream_data: "onstreamdata",
  stream_presence_event: "onstreampresence",
};

export const javascript: Dialect = {
  extension: "mjs",
  variable: camel,
  head: (s) => [
    'import { Client } from "@heroiclabs/nakama-js";',
    "",
    `const client = new Client(${quoted(s.key)}, ${quoted(s.host)}, ${quoted(String(s.port))}, ${s.ssl});`,
    `const socket = client.createSocket(${s.ssl});`,
  ],
  foot: [],
  indent: "",
  comment: "//",
  session: (e, first) => `${first ? "let " : ""}session = await ${e};`,
  declare: (name, e) => `const ${name} = await ${e};`,
  constant: (name, value) => `const ${name} = ${quoted(value)};`,
  wait: (e) => `await ${e};`,
  matching: (name) => [`const ${name} = new Promise((resolve) => { socket.onmatchmakermatched = resolve; });`],
  matched: (matching) => matching,
  id: (thing, v) => v + { match: ".match_id", party: ".party_id", channel: ".id", ticket: ".ticket", matched: ".match_id", rpc: ".payload" }[thing],
  parsed: (v, field) => `JSON.parse(${v}.payload)` + (field === undefined ? "" : `[${quoted(field)}]`),
  handler: (kind) => (handlers[kind] ? [`socket.${handlers[kind]} = (message) => console.log(${quoted(kind)}, message);`] : []),
  steps: {
    authenticate: (b) => `client.authenticate${b.kind === "device" ? "Device" : "Custom"}(${quoted(b.account.id)}, true${b.username ? ", " + quoted(b.username) : ""})`,
    connect: () => "socket.connect(session, true)",
    disconnect: () => "socket.disconnect(false)",
    channel_join: (b) => `socket.joinChat(${quoted(b.target)}, ${b.type}, ${!!b.persistence}, ${!!b.hidden})`,
    channel_leave: (b, c) => `socket.leaveChat(${c.id(b.channel_id, "channel")})`,
    channel_message_send: (b, c) => `socket.writeChatMessage(${c.id(b.channel_id, "channel")}, ${object(b.content)})`,
    status_update: (b) => `socket.updateStatus(${b.status == null ? "" : quoted(b.status)})`,
    status_follow: (b) => `socket.followUsers(${JSON.stringify(b.user_ids ?? [])})`,
    party_create: (b) => `socket.createParty(${!!b.open}, ${b.max_size})`,
    party_join: (b, c) => `socket.joinParty(${c.id(b.party_id, "party")})`,
    party_leave: (b, c) => `socket.leaveParty(${c.id(b.party_id, "party")})`,
    party_close: (b, c) => `socket.closeParty(${c.id(b.party_id, "party")})`,
    party_accept: (b, c) => `socket.acceptPartyMember(${c.id(b.party_id, "party")}, ${json(b.presence)})`,
    party_remove: (b, c) => `socket.removePartyMember(${c.id(b.party_id, "party")}, ${json(b.presence)})`,
    party_promote: (b, c) => `socket.promotePartyMember(${c.id(b.party_id, "party")}, ${json(b.presence)})`,
    party_data_send: (b, c) => `socket.sendPartyData(${c.id(b.party_id, "party")}, ${b.op_code}, ${data(b.data)})`,
    matchmaker_add: (b) => `socket.addMatchmaker(${search(b)})`,
    matchmaker_remove: (b, c) => `socket.removeMatchmaker(${c.id(b.ticket, "ticket")})`,
    party_matchmaker_add: (b, c) => `socket.addMatchmakerParty(${c.id(b.party_id, "party")}, ${search(b)})`,
    party_matchmaker_remove: (b, c) => `socket.removeMatchmakerParty(${c.id(b.party_id, "party")}, ${c.id(b.ticket, "ticket")})`,
    match_create: (b) => `socket.createMatch(${b.name ? quoted(b.name) : ""})`,
    match_join: (b, c) => (b.token ? `socket.joinMatch(undefined, ${c.matched ? c.matched + ".token" : quoted(b.token)})` : `socket.joinMatch(${c.id(b.match_id, "match")}${b.metadata ? `, undefined, ${json(b.metadata)}` : ""})`),
    match_leave: (b, c) => `socket.leaveMatch(${c.id(b.match_id, "match")})`,
    match_data_send: (b, c) => `socket.sendMatchState(${c.id(b.match_id, "match")}, ${b.op_code}, ${data(b.data)})`,
    rpc: (b) => `socket.rpc(${quoted(b.id)}, ${quoted(b.payload ?? "")})`,
    ListMatches: ({ args: b }) => `client.listMatches(session, ${b.limit}, ${b.authoritative}, ${b.label ? quoted(b.label) : "undefined"}, undefined, undefined, ${b.query ? quoted(b.query) : "undefined"})`,
  },
};
