// Tests of the parts of the page that need no browser. TestPlay runs them with Node.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, write as writeJson } from "../src/lib/json";
import { diff } from "../src/parts/diff";
import { History, maxTicks } from "../src/pages/match/history";
import { mergePatch } from "../src/pages/match/patch";
import type { Tick } from "../src/parts/tick";
import { write } from "../src/play/export";
import { csharp } from "../src/play/export_csharp";
import { gdscript } from "../src/play/export_gdscript";
import { javascript } from "../src/play/export_js";
import { Link } from "../src/play/link";
import { decode, encode } from "../src/play/payload";
import type { Step } from "../src/play/player";
import { maxEntries, maxText, Timeline } from "../src/play/timeline";

test("a link keeps the order, delays, and loses only what may be lost", async () => {
  const link = new Link(() => ({ latency: 5, jitter: 20, loss: 100 }));
  const got: number[] = [];
  assert.equal(link.pass(true, () => got.push(-1)), false);
  await new Promise<void>((done) => {
    for (let i = 0; i < 200; i++) assert.equal(link.pass(false, () => got.push(i) === 200 && done()), true);
    assert.deepEqual(got, []);
  });
  assert.deepEqual(got, Array.from({ length: 200 }, (_, i) => i));
});

test("a link does not keep any number of messages", () => {
  const link = new Link(() => ({ latency: 60_000, jitter: 0, loss: 0 }));
  let arrived = 0;
  for (let i = 0; i < 2500; i++) link.pass(false, () => arrived++);
  assert.equal(arrived, 500);
  link.cut();
});

test("the time line is bounded by entries and by their text", () => {
  const line = new Timeline();
  for (let i = 0; i < maxEntries + 10; i++) line.add(1, "sent", "ping", "{}");
  assert.equal(line.entries.length, maxEntries);
  assert.equal(line.entries[0]!.n, 11);
  for (let i = 0; i < 6; i++) line.add(1, "received", "match_data", "x".repeat(maxText / 4));
  assert.ok(line.entries.length <= 4);
});

test("payloads are JSON with all digits, text, or hexadecimal", () => {
  assert.deepEqual(decode(encode("json", '{ "n": 9007199254740993 }')), { format: "text", text: '{"n":9007199254740993}' });
  assert.deepEqual(decode(encode("text", "grüße 😀")), { format: "text", text: "grüße 😀" });
  assert.deepEqual(decode(encode("hex", "0x00 ff:80")), { format: "hex", text: "00 ff 80" });
  assert.throws(() => encode("hex", "0"), /hexadecimal/);
  assert.throws(() => encode("json", "{"), /not JSON/);
  assert.equal(encode("json", ""), "");
});

test("a diff says what was added, changed and removed, and where", () => {
  const d = diff(parse('{"a":1,"b":[1,2,{"x":9007199254740993}],"c":"s","e":{}}'), parse('{"a":1,"b":[1,3,{"x":9007199254740992}],"d":null,"e":{}}'))!;
  assert.deepEqual([...d.inside!.keys()], ["b", "d"]);
  assert.deepEqual(d.removed!.map(([name]) => name), ["c"]);
  assert.equal(d.inside!.get("d")!.change, "added");
  assert.deepEqual([...d.inside!.get("b")!.inside!.keys()], ["1", "2"]);
  assert.equal(d.inside!.get("b")!.inside!.get("2")!.inside!.get("x")!.change, "changed");
  assert.equal(diff(parse('{"a":[1]}'), parse('{"a":[1]}')), undefined);
});

test("a merge patch has what was edited, with all digits, and nothing else", () => {
  const patch = (before: string, now: string) => {
    const p = mergePatch(parse(before), parse(now));
    return p && writeJson(p, 0);
  };
  const state = '{"n":9007199254740993,"set":[1,{"x":2}],"in":{"a":1,"b":{}},"gone":1,"f":null}';
  assert.equal(patch(state, state.replaceAll(",", " , ")), undefined);
  assert.equal(patch(state, '{"f":null,"in":{"a":1,"b":{}},"set":[1,{"x":2}],"n":9007199254740993,"gone":1}'), undefined);
  assert.equal(patch(state, state.replace("993", "992")), '{"n":9007199254740992}');
  assert.equal(patch(state, state.replace('"gone":1,', "")), '{"gone":null}');
  assert.equal(patch(state, state.replace("{}", '{"c":{"d":1}}')), '{"in":{"b":{"c":{"d":1}}}}');
  assert.equal(patch(state, state.replace('"x":2', '"x":3')), '{"set":[1,{"x":3}]}');
  assert.equal(patch(state, state.replace('"f":null', '"f":[]')), '{"f":[]}');
  assert.equal(patch("[1]", "[1,2]"), "[1,2]");
  assert.equal(patch("[1]", '{"a":null}'), '{"a":null}');
});

test("the history of a match is bounded, and knows the state of each tick", () => {
  const tick = (number: number, at = number): Tick => ({ number, at, took: 1, skipped: 0, inputs: [], broadcasts: [], events: [], allInputs: 0, allBroadcasts: 0, error: "" });
  const h = new History();
  for (let n = 0; n < maxTicks + 50; n += 10) {
    h.add(Array.from({ length: 10 }, (_, i) => tick(n + i)), { tick: n + 9, text: `{"n":${n + 9}}` });
  }
  assert.equal(h.ticks.length, maxTicks);
  assert.equal(h.ticks[0]!.number, 50);
  assert.ok(h.states.length <= 102);
  assert.deepEqual(h.stateAfter(105), { now: { tick: 99, text: '{"n":99}' }, before: { tick: 89, text: '{"n":89}' } });
  h.add([tick(100), tick(maxTicks + 50)]); // the first is known
  assert.equal(h.ticks.at(-1)!.number, maxTicks + 50);
  h.add([tick(0, 1_000_000)]);
  assert.equal(h.ticks.length, maxTicks, "the history was cleared within a subscription");
  h.subscribed();
  h.add([tick(maxTicks), tick(maxTicks + 50), tick(maxTicks + 51)]); // sent again
  assert.equal(h.ticks.length, maxTicks);
  assert.equal(h.ticks.at(-1)!.number, maxTicks + 51);
  h.subscribed();
  h.add([tick(0, 1_000_000)]); // a new recording
  assert.equal(h.ticks.length, 1);
  assert.equal(h.stateAfter(0).now, undefined);
});

const steps: Step[] = [
  { kind: "authenticate", body: { kind: "custom", account: { id: "some-id" }, username: 'ann "a"' } },
  { kind: "connect", body: {} },
  { kind: "rpc", body: { id: "start", payload: '{"mode":"duel"}' }, reply: { payload: '{"match_id":"7c22390d-f0e0-475b-a62c-a7e7eca627e7.node"}' } },
  { kind: "match_join", body: { match_id: "7c22390d-f0e0-475b-a62c-a7e7eca627e7.node", metadata: { team: "red" } }, reply: { match_id: "7c22390d-f0e0-475b-a62c-a7e7eca627e7.node" } },
  { kind: "match_data_send", body: { match_id: "7c22390d-f0e0-475b-a62c-a7e7eca627e7.node", op_code: "1", data: encode("text", "hi") } },
  { kind: "channel_join", body: { target: "lobby", type: 1, persistence: true }, reply: { id: "2...lobby" } },
  { kind: "channel_message_send", body: { channel_id: "2...lobby", content: '{"text":"hello"}' }, reply: {} },
  { kind: "party_create", body: { open: false, max_size: 4 }, reply: { party_id: "p.node" } },
  { kind: "party_accept", body: { party_id: "p.node", presence: { user_id: "u", session_id: "s", username: "ben" } }, reply: {} },
  { kind: "party_promote", body: { party_id: "p.node", presence: { user_id: "u", session_id: "s", username: "ben" } }, reply: {} },
  { kind: "matchmaker_add", body: { query: "*", min_count: 2, max_count: 2, string_properties: { mode: "duel" }, numeric_properties: { rank: 7 } }, reply: { ticket: "t" } },
  { kind: "matched", body: { token: "a.b.c" } },
  { kind: "match_join", body: { token: "a.b.c" }, reply: { match_id: "other." } },
  { kind: "match_leave", body: { match_id: "other." }, error: "Match not found" },
  { kind: "status_update", body: { status: "bye" }, reply: {} },
  { kind: "call", body: { name: "ListMatches", args: { limit: 10, authoritative: true, label: "", query: "" } }, reply: {} },
  { kind: "disconnect", body: {} },
];

const source = { steps, truncated: false, received: ["match_data", "ok", "match_data"], key: "defaultkey", host: "127.0.0.1", port: 7350, ssl: false };

test("JavaScript", () => {
  assert.equal(
    write(javascript, source),
    `import { Client } from "@heroiclabs/nakama-js";

const client = new Client("defaultkey", "127.0.0.1", "7350", false);
const socket = client.createSocket(false);
let session = await client.authenticateCustom("some-id", true, "ann \\"a\\"");
socket.onmatchdata = (message) => console.log("match_data", message);
await socket.connect(session, true);
const rpc1 = await socket.rpc("start", "{\\"mode\\":\\"duel\\"}");
const match1 = await socket.joinMatch(JSON.parse(rpc1.payload)["match_id"], undefined, {"team":"red"});
await socket.sendMatchState(match1.match_id, 1, "hi");
const channel1 = await socket.joinChat("lobby", 1, true, false);
await socket.writeChatMessage(channel1.id, {"text":"hello"});
const party1 = await socket.createParty(false, 4);
await socket.acceptPartyMember(party1.party_id, {"user_id":"u","session_id":"s","username":"ben"});
await socket.promotePartyMember(party1.party_id, {"user_id":"u","session_id":"s","username":"ben"});
const matching1 = new Promise((resolve) => { socket.onmatchmakermatched = resolve; });
const ticket1 = await socket.addMatchmaker("*", 2, 2, {"mode":"duel"}, {"rank":7});
const matched1 = await matching1;
const match2 = await socket.joinMatch(undefined, matched1.token);
// This failed: Match not found
// await socket.leaveMatch(match2.match_id);
await socket.updateStatus("bye");
await client.listMatches(session, 10, true, undefined, undefined, undefined, undefined);
await socket.disconnect(false);
`,
  );
});

test("C#", () => {
  const lines = write(csharp, source).split("\n");
  assert.deepEqual(lines.slice(7), [
    'var client = new Client("http", "127.0.0.1", 7350, "defaultkey");',
    "var socket = Socket.From(client);",
    'var session = await client.AuthenticateCustomAsync("some-id", "ann \\"a\\"");',
    'socket.ReceivedMatchState += message => Console.WriteLine($"match_data {message}");',
    "await socket.ConnectAsync(session, true);",
    'var rpc1 = await socket.RpcAsync("start", "{\\"mode\\":\\"duel\\"}");',
    'var match1 = await socket.JoinMatchAsync((string)rpc1.Payload.FromJson<Dictionary<string, object>>()["match_id"], new Dictionary<string, string> { ["team"] = "red" });',
    'await socket.SendMatchStateAsync(match1.Id, 1, "hi");',
    'var channel1 = await socket.JoinChatAsync("lobby", ChannelType.Room, true, false);',
    'await socket.WriteChatMessageAsync(channel1.Id, "{\\"text\\":\\"hello\\"}");',
    "var party1 = await socket.CreatePartyAsync(false, 4);",
    'await socket.AcceptPartyMemberAsync(party1.Id, (await socket.ListPartyJoinRequestsAsync(party1.Id)).Presences.First(p => p.Username == "ben"));',
    'await socket.PromotePartyMemberAsync(party1.Id, party1.Presences.First(p => p.Username == "ben"));',
    "var matching1 = new TaskCompletionSource<IMatchmakerMatched>();",
    "socket.ReceivedMatchmakerMatched += message => matching1.TrySetResult(message);",
    'var ticket1 = await socket.AddMatchmakerAsync("*", 2, 2, new Dictionary<string, string> { ["mode"] = "duel" }, new Dictionary<string, double> { ["rank"] = 7 });',
    "var matched1 = await matching1.Task;",
    "var match2 = await socket.JoinMatchAsync(matched1);",
    "// This failed: Match not found",
    "// await socket.LeaveMatchAsync(match2.Id);",
    'await socket.UpdateStatusAsync("bye");',
    'await client.ListMatchesAsync(session, 0, 100, 10, true, "", "");',
    "await socket.CloseAsync();",
    "",
  ]);
});

test("GDScript", () => {
  assert.equal(
    write(gdscript, source),
    `extends Node

func _ready() -> void:
	var client := Nakama.create_client("defaultkey", "127.0.0.1", 7350, "http")
	var socket := Nakama.create_socket_from(client)
	var session = await client.authenticate_custom_async("some-id", "ann \\"a\\"")
	socket.received_match_state.connect(func(message): print("match_data", " ", message))
	await socket.connect_async(session, true)
	var rpc1 = await socket.rpc_async("start", "{\\"mode\\":\\"duel\\"}")
	var match1 = await socket.join_match_async(JSON.parse_string(rpc1.payload)["match_id"], {"team":"red"})
	await socket.send_match_state_async(match1.match_id, 1, "hi")
	var channel1 = await socket.join_chat_async("lobby", NakamaSocket.ChannelType.Room, true, false)
	await socket.write_chat_message_async(channel1.id, {"text":"hello"})
	var party1 = await socket.create_party_async(false, 4)
	await socket.accept_party_member_async(party1.party_id, (await socket.list_party_join_requests_async(party1.party_id)).presences.filter(func(p): return p.username == "ben")[0])
	await socket.promote_party_member(party1.party_id, party1.presences.filter(func(p): return p.username == "ben")[0])
	var ticket1 = await socket.add_matchmaker_async("*", 2, 2, {"mode":"duel"}, {"rank":7})
	var matched1 = await socket.received_matchmaker_matched
	var match2 = await socket.join_matched_async(matched1)
	# This failed: Match not found
	# await socket.leave_match_async(match2.match_id)
	await socket.update_status_async("bye")
	await client.list_matches_async(session, 0, 100, 10, true, "", "")
	socket.close()
`,
  );
});
