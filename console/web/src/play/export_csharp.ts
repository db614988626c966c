// The C# SDK, NakamaClient.
import { camel, type Context, type Dialect, object, payload, quoted } from "./export";

const dictionary = (type: string, of: Record<string, string | number> | undefined) =>
  `new Dictionary<string, ${type}> { ${Object.entries(of ?? {})
    .map(([k, v]) => `[${quoted(k)}] = ${typeof v === "string" ? quoted(v) : v}`)
    .join(", ")} }`.replace("{  }", "()").replace(/> \(\)/, ">()");

function data(base64?: string): string {
  const { text, bytes } = payload(base64);
  return text ?? `new byte[] { ${bytes} }`;
}

const search = (b: any) =>
  `${quoted(b.query)}, ${b.min_count}, ${b.max_count}, ${dictionary("string", b.string_properties)}, ${dictionary("double", b.numeric_properties)}${b.count_multiple ? ", " + b.count_multiple : ""}`;

// member finds somebody in a party. Its presences are those of when it was joined, unless
// the game keeps them up to date with UpdatePresences.
const member = (b: any, c: Context) => {
  const id = c.id(b.party_id, "party");
  return id.endsWith(".Id") ? `${id.slice(0, -3)}.Presences.First(p => p.Username == ${quoted(b.presence.username)})` : "";
};

const handlers: Record<string, string> = {
  channel_message: "ReceivedChannelMessage",
  channel_presence_event: "ReceivedChannelPresence",
  match_data: "ReceivedMatchState",
  match_presence_event: "ReceivedMatchPresence",
  notifications: "ReceivedNotification",
  party: "ReceivedParty",
  party_close: "ReceivedPartyClose",
  party_data: "ReceivedPartyData",
  party_join_request: "ReceivedPartyJoinRequest",
  party_leader: "ReceivedPartyLeader",
  party_presence_event: "ReceivedPartyPresence",
  status_presence_event: "ReceivedStatusPresence",
  stream_data: "ReceivedStreamState",
  stream_presence_event: "ReceivedStreamPresence",
};

const withMember = (method: string) => (b: any, c: Context) => {
  const who = member(b, c);
  return who && `socket.${method}(${c.id(b.party_id, "party")}, ${who})`;
};

export const csharp: Dialect = {
  extension: "cs",
  variable: camel,
  head: (s) => [
    "using System;",
    "using System.Collections.Generic;",
    "using System.Linq;",
    "using System.Threading.Tasks;",
    "using Nakama;",
    "using Nakama.TinyJson;",
    "",
    `var client = new Client(${quoted(s.ssl ? "https" : "http")}, ${quoted(s.host)}, ${s.port}, ${quoted(s.key)});`,
    "var socket = Socket.From(client);",
  ],
  foot: [],
  indent: "",
  comment: "//",
  session: (e, first) => `${first ? "var " : ""}session = await ${e};`,
  declare: (name, e) => `var ${name} = await ${e};`,
  constant: (name, value) => `const string ${name} = ${quoted(value)};`,
  wait: (e) => `await ${e};`,
  matching: (name) => [`var ${name} = new TaskCompletionSource<IMatchmakerMatched>();`, `socket.ReceivedMatchmakerMatched += message => ${name}.TrySetResult(message);`],
  matched: (matching) => `${matching}.Task`,
  id: (thing, v) => v + { match: ".Id", party: ".Id", channel: ".Id", ticket: ".Ticket", matched: ".MatchId", rpc: ".Payload" }[thing],
  parsed: (v, field) => (field === undefined ? `${v}.Payload.FromJson<string>()` : `(string)${v}.Payload.FromJson<Dictionary<string, object>>()[${quoted(field)}]`),
  handler: (kind) => (handlers[kind] ? [`socket.${handlers[kind]} += message => Console.WriteLine($"${kind} {message}");`] : []),
  steps: {
    authenticate: (b) => `client.Authenticate${b.kind === "device" ? "Device" : "Custom"}Async(${quoted(b.account.id)}${b.username ? ", " + quoted(b.username) : ""})`,
    connect: () => "socket.ConnectAsync(session, true)",
    disconnect: () => "socket.CloseAsync()",
    channel_join: (b) => `socket.JoinChatAsync(${quoted(b.target)}, ChannelType.${["", "Room", "DirectMessage", "Group"][b.type]}, ${!!b.persistence}, ${!!b.hidden})`,
    channel_leave: (b, c) => `socket.LeaveChatAsync(${c.id(b.channel_id, "channel")})`,
    channel_message_send: (b, c) => `socket.WriteChatMessageAsync(${c.id(b.channel_id, "channel")}, ${quoted(object(b.content))})`,
    status_update: (b) => `socket.UpdateStatusAsync(${b.status == null ? "null" : quoted(b.status)})`,
    status_follow: (b) => `socket.FollowUsersAsync(new[] { ${(b.user_ids ?? []).map(quoted).join(", ")} })`,
    party_create: (b) => `socket.CreatePartyAsync(${!!b.open}, ${b.max_size})`,
    party_join: (b, c) => `socket.JoinPartyAsync(${c.id(b.party_id, "party")})`,
    party_leave: (b, c) => `socket.LeavePartyAsync(${c.id(b.party_id, "party")})`,
    party_close: (b, c) => `socket.ClosePartyAsync(${c.id(b.party_id, "party")})`,
    party_accept: (b, c) => {
      const id = c.id(b.party_id, "party");
      return `socket.AcceptPartyMemberAsync(${id}, (await socket.ListPartyJoinRequestsAsync(${id})).Presences.First(p => p.Username == ${quoted(b.presence.username)}))`;
    },
    party_remove: withMember("RemovePartyMemberAsync"),
    party_promote: withMember("PromotePartyMemberAsync"),
    party_data_send: (b, c) => `socket.SendPartyDataAsync(${c.id(b.party_id, "party")}, ${b.op_code}, ${data(b.data)})`,
    matchmaker_add: (b) => `socket.AddMatchmakerAsync(${search(b)})`,
    matchmaker_remove: (b, c) => `socket.RemoveMatchmakerAsync(${c.id(b.ticket, "ticket")})`,
    party_matchmaker_add: (b, c) => `socket.AddMatchmakerPartyAsync(${c.id(b.party_id, "party")}, ${search(b)})`,
    party_matchmaker_remove: (b, c) => `socket.RemoveMatchmakerPartyAsync(${c.id(b.party_id, "party")}, ${c.id(b.ticket, "ticket")})`,
    match_create: (b) => `socket.CreateMatchAsync(${b.name ? quoted(b.name) : ""})`,
    match_join: (b, c) => (b.token ? (c.matched ? `socket.JoinMatchAsync(${c.matched})` : "") : `socket.JoinMatchAsync(${c.id(b.match_id, "match")}${b.metadata ? ", " + dictionary("string", b.metadata) : ""})`),
    match_leave: (b, c) => `socket.LeaveMatchAsync(${c.id(b.match_id, "match")})`,
    match_data_send: (b, c) => `socket.SendMatchStateAsync(${c.id(b.match_id, "match")}, ${b.op_code}, ${data(b.data)})`,
    rpc: (b) => `socket.RpcAsync(${quoted(b.id)}, ${quoted(b.payload ?? "")})`,
    ListMatches: ({ args: b }) => `client.ListMatchesAsync(session, 0, 100, ${b.limit}, ${b.authoritative}, ${quoted(b.label ?? "")}, ${quoted(b.query ?? "")})`,
  },
};
