// Drives what players notice of a broken connection and of a planned restart, through the
// published client as it is: in ondisconnect it connects again with the session that it has.
// A line that begins with @ asks the test for something, which answers by a line.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Client } from "@heroiclabs/nakama-js";
import { WebSocketAdapterPb } from "@heroiclabs/nakama-js-protobuf";
import WebSocket from "ws";

globalThis.WebSocket ??= WebSocket;

const [port, format, cuttable] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what) {
  console.log("@" + what);
  await answers.next();
}

const kinds = ["onchannelmessage", "onchannelpresence", "onmatchdata", "onmatchpresence", "onpartydata", "onpartypresence", "onpartyleader", "onstatuspresence"];

async function player(name, at) {
  const client = new Client("defaultkey", "127.0.0.1", at, false);
  const session = await client.authenticateDevice(`device-of-${name}`, true, name);
  const socket = client.createSocket(false, false, format === "protobuf" ? new WebSocketAdapterPb() : undefined);
  const p = { name, client, session, socket, id: session.user_id, got: [], codes: [], away: false, connections: 0 };
  const connect = () => socket.connect(session, true).then(() => p.connections++);
  p.reconnect = () => connect().catch(() => {}); // ondisconnect follows
  socket.ondisconnect = (event) => {
    p.codes.push(event.code);
    if (!p.away) setTimeout(p.reconnect, 50);
  };
  for (const kind of kinds) socket[kind] = (value) => p.got.push({ kind, value });
  await connect();
  return p;
}

async function until(what, done) {
  for (const began = Date.now(); !done(); await new Promise((resolve) => setTimeout(resolve, 10)))
    assert.ok(Date.now() - began < 60_000, "this did not happen: " + what);
}

const of = (p, kind) => p.got.filter((e) => e.kind === kind).map((e) => e.value);
const text = (bytes) => new TextDecoder().decode(bytes);

const ann = await player("ann", cuttable);
const ben = await player("ben", port);
const all = [ann, ben];

// They are in a match, a room and a party, and ann follows ben.
const match = (await ann.client.rpc(ann.session, "start", {})).payload;
const self = {};
for (const p of all) {
  self[p.name] = (await p.socket.joinMatch(match, undefined, { key: "open" })).self.session_id;
  p.channel = (await p.socket.joinChat("room", 1, false, false)).id;
}
const party = await ann.socket.createParty(true, 4);
await ben.socket.joinParty(party.party_id);
await ann.socket.followUsers([ben.id]);
await ben.socket.updateStatus("before");
await until("all know of each other", () =>
  of(ann, "onstatuspresence").some((e) => e.joins?.some((j) => j.status === "before")) && of(ann, "onpartypresence").some((e) => e.joins?.some((j) => j.user_id === ben.id)) &&
  of(ben, "onpartypresence").length > 0 && of(ann, "onmatchpresence").length > 0 && of(ann, "onchannelpresence").length > 0);

let total = 10; // that the match has counted
let round = 0;

// together checks that all goes on where it was, and that nobody was told of a leave or a join.
async function together(missed) {
  round++;
  await ben.socket.sendMatchState(match, 1, "1");
  total++;
  await ben.socket.writeChatMessage(ben.channel, { round });
  await ann.socket.sendPartyData(party.party_id, 1, `round ${round}`);
  await ben.socket.updateStatus(`round ${round}`);
  await until("messages arrive", () =>
    all.every((p) => of(p, "onmatchdata").some((d) => text(d.data) === String(total)) && of(p, "onchannelmessage").some((m) => m.content.round === round)) &&
    of(ben, "onpartydata").some((d) => text(d.data) === `round ${round}`) && of(ann, "onstatuspresence").some((e) => e.joins?.some((j) => j.status === `round ${round}`)));
  for (const p of all) {
    for (const kind of ["onchannelpresence", "onmatchpresence", "onpartypresence", "onpartyleader"]) assert.deepEqual(of(p, kind), [], `${p.name} got ${kind}`);
    assert.deepEqual(of(p, "onchannelmessage").map((m) => m.content), [...missed, { round }], p.name);
    // An application that joins again, as it has to elsewhere, is answered, with the session that it had.
    assert.equal((await p.socket.joinChat("room", 1, false, false)).self.session_id, self[p.name]);
    assert.equal((await p.socket.joinMatch(match, undefined, { key: "open" })).self.session_id, self[p.name]);
  }
  for (const e of of(ann, "onstatuspresence")) assert.ok(!e.leaves || e.joins, "ben went offline"); // a change is both
}

const forget = () => all.forEach((p) => (p.got.length = 0));

// The network of one breaks. It misses nothing that is sent until it is back.
forget();
ann.away = true;
await ask("cut");
await until("ann notices", () => ann.codes.length > 0);
assert.equal(ann.codes[0], 1006);
await ben.socket.writeChatMessage(ben.channel, { missed: 1 });
await ben.socket.sendMatchState(match, 1, "5");
total += 5;
await until("the match has counted", () => of(ben, "onmatchdata").length > 0);
ann.away = false;
ann.reconnect();
await until("ann is back", () => ann.connections === 2);
await until("ann has what it missed", () => of(ann, "onmatchdata").length > 0 && of(ann, "onchannelmessage").length > 0);
assert.deepEqual(of(ann, "onmatchdata").map((d) => text(d.data)), [String(total)]);
await together([{ missed: 1 }]);

// The server is restarted. All are told so, and are back as soon as it is.
forget();
const before = all.map((p) => [p.codes.length, p.connections]);
await ask("restart");
await until("all are back", () => all.every((p, i) => p.connections > before[i][1]));
all.forEach((p, i) => assert.equal(p.codes[before[i][0]], 1012, p.name));
await together([]);

for (const p of all) {
  p.away = true;
  p.socket.disconnect();
}
process.exit(0);
