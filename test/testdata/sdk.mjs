// Drives a server through the published client, as a game would. Every check
// that fails ends the program with the reason.
import assert from "node:assert/strict";
import { Client, Session } from "@heroiclabs/nakama-js";
import { WebSocketAdapterPb } from "@heroiclabs/nakama-js-protobuf";
import WebSocket from "ws";

globalThis.WebSocket ??= WebSocket;

const [port, format] = process.argv.slice(2);
const client = new Client("defaultkey", "127.0.0.1", port, false);
const tag = `${format}${Date.now()}`;

// refused gives the error body of a call that must fail.
async function refused(call, status) {
  try {
    await call;
  } catch (response) {
    assert.equal(response.status, status);
    return response.json();
  }
  assert.fail(`a call that must answer ${status} succeeded`);
}

async function open(session) {
  const socket = client.createSocket(false, false, format === "protobuf" ? new WebSocketAdapterPb() : undefined);
  await socket.connect(session, true);
  return socket;
}

// next resolves with the next event of a kind: next(socket, "onmatchdata").
function next(socket, event, accept = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event}`)), 10_000);
    socket[event] = (value) => {
      if (!accept(value)) return;
      clearTimeout(timer);
      resolve(value);
    };
  });
}

// Accounts and sessions.
const ann = await client.authenticateDevice(`device-ann-${tag}`, true, `ann_${tag}`, { team: "red" });
assert.equal(ann.created, true);
assert.equal(ann.username, `ann_${tag}`);
assert.deepEqual(ann.vars, { team: "red" });
assert.equal((await client.authenticateDevice(`device-ann-${tag}`, false)).user_id, ann.user_id);
assert.equal((await refused(client.authenticateDevice(`device-nobody-${tag}`, false), 404)).code, 5);
assert.equal((await refused(client.authenticateCustom(`custom-${tag}`, true, `ann_${tag}`), 409)).code, 6);
const ben = await client.authenticateCustom(`custom-ben-${tag}`, true, `ben_${tag}`);
const cat = await client.authenticateEmail(`cat-${tag}@example.com`, "a long password", true, `cat_${tag}`);
await refused(client.authenticateEmail(`cat-${tag}@example.com`, "a wrong password", false), 401);

// The client decodes tokens with atob, which knows neither UTF-8 nor base64url. Each
// character stands in each place of a group of four.
for (const [i, name] of ["é", "真", ">", "?", "~", "ÿ", "😀", "é真>?~"].entries()) {
  for (let shift = 0; shift < 3; shift++) {
    const username = `${"x".repeat(shift)}${name}${i}${shift}${tag}`, vars = { [`${name}_key`]: `${"y".repeat(shift)}${name}` };
    const session = await client.authenticateCustom(`custom-name-${i}-${shift}-${tag}`, true, username, vars);
    assert.equal(session.username, username);
    assert.deepEqual(session.vars, vars);
    const restored = Session.restore(session.token, session.refresh_token);
    assert.equal(restored.username, username);
    assert.equal((await client.getAccount(restored)).user.username, username);
    const refreshed = await client.sessionRefresh(session);
    assert.deepEqual([refreshed.username, refreshed.vars], [username, vars]);
  }
}

await client.updateAccount(ann, { display_name: "Ann", timezone: "UTC" });
const account = await client.getAccount(ann);
assert.equal(account.user.display_name, "Ann");
assert.equal(account.devices[0].id, `device-ann-${tag}`);
assert.equal((await client.getUsers(ann, [ben.user_id], [`cat_${tag}`])).users.length, 2);
await client.linkCustom(ann, { id: `custom-ann-${tag}` });
assert.equal((await client.getAccount(ann)).custom_id, `custom-ann-${tag}`);
await client.unlinkCustom(ann, { id: `custom-ann-${tag}` });

const refreshed = await client.sessionRefresh(new Session(ann.token, ann.refresh_token, false));
assert.equal(refreshed.user_id, ann.user_id);
await client.sessionLogout(cat, cat.token, cat.refresh_token);
await refused(client.getAccount(cat), 401);

// Storage.
const written = await client.writeStorageObjects(ann, [
  { collection: "saves", key: "slot1", value: { level: 1 }, permission_read: 2 },
  { collection: "saves", key: "slot2", value: { level: 2 } },
]);
assert.equal(written.acks.length, 2);
const slot1 = { collection: "saves", key: "slot1", user_id: ann.user_id };
const slot2 = { collection: "saves", key: "slot2", user_id: ann.user_id };
assert.deepEqual((await client.readStorageObjects(ann, { object_ids: [slot1, slot2] })).objects.length, 2);
assert.deepEqual((await client.readStorageObjects(ben, { object_ids: [slot1, slot2] })).objects[0].value, { level: 1 });
await refused(client.writeStorageObjects(ann, [{ collection: "saves", key: "slot1", value: {}, version: "*" }]), 400);
await client.writeStorageObjects(ann, [{ collection: "saves", key: "slot1", value: { level: 9 }, version: written.acks[0].version }]);
const page = await client.listStorageObjects(ann, "saves", ann.user_id, 1);
assert.equal(page.objects.length, 1);
assert.equal((await client.listStorageObjects(ann, "saves", ann.user_id, 1, page.cursor)).objects.length, 1);
await client.deleteStorageObjects(ann, { object_ids: [{ collection: "saves", key: "slot2" }] });
assert.equal((await client.readStorageObjects(ann, { object_ids: [slot2] })).objects.length, 0);

// RPCs.
assert.deepEqual((await client.rpc(ann, "echo", { a: [1, "two"] })).payload, { a: [1, "two"] });
assert.equal((await refused(client.rpc(ann, "fail", {}), 404)).message, "no such thing");

// Relayed matches.
const a = await open(ann);
const b = await open(ben);
const match = await a.createMatch();
assert.equal(match.self.user_id, ann.user_id);
const joined = next(a, "onmatchpresence", (e) => e.joins?.some((p) => p.user_id === ben.user_id));
const other = await b.joinMatch(match.match_id);
assert.equal(other.presences.length, 1);
await joined;
const data = next(b, "onmatchdata");
await a.sendMatchState(match.match_id, 7, JSON.stringify({ x: 1 }));
const received = await data;
assert.equal(received.op_code, 7);
assert.equal(new TextDecoder().decode(received.data), '{"x":1}');
const left = next(a, "onmatchpresence", (e) => e.leaves?.some((p) => p.user_id === ben.user_id));
await b.leaveMatch(match.match_id);
await left;
await assert.rejects(b.joinMatch("00000000-0000-4000-8000-000000000000."), (e) => e.code === 4);

// RPC over the socket.
assert.equal((await a.rpc("echo", "hello")).payload, "hello");
await assert.rejects(a.rpc("fail"), (e) => e.code === 7 && e.message.includes("no such thing"));

// An authoritative match.
const id = (await client.rpc(ann, "start", "")).payload;
await assert.rejects(a.joinMatch(id), (e) => e.code === 5);
const game = await a.joinMatch(id, undefined, { key: "open" });
assert.equal(game.authoritative, true);
const total = next(a, "onmatchdata", (e) => e.op_code === 2);
await a.sendMatchState(id, 1, "32");
assert.equal(new TextDecoder().decode((await total).data), "42");

a.disconnect(false);
b.disconnect(false);
// The account is gone, and its tokens are revoked.
await client.deleteAccount(ann);
await refused(client.getAccount(ann), 401);
process.exit(0);
