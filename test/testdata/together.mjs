// Drives parties, streams, listings and the matchmaker of parties through the
// published client. Every check that fails ends the program with the reason.
import assert from "node:assert/strict";
import { client, format, next, player, port, tag } from "./players.mjs";

// get is for calls that the published client does not have.
async function get(who, path) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Authorization: `Bearer ${who.session.token}` } });
  assert.equal(response.status, 200, path);
  return response.json();
}

const ann = await player("ann");
const ben = await player("ben");
const cat = await player("cat");

// A closed party: requests, members, leader. The published protobuf adapter
// reads the fields of a party behind "open" wrongly, so that these are looked at
// in JSON only; the messages themselves go both ways in both formats.
const party = await ann.socket.createParty(false, 3);
const id = party.party_id;
assert.match(id, /^[0-9a-f-]{36}\.[a-z]+$/);
assert.ok(!party.open);
if (format === "json") {
  assert.equal(party.max_size, 3);
  assert.equal(party.self.user_id, ann.id);
  assert.equal(party.leader.user_id, ann.id);
}

// asks lets somebody ask to join, and gives the presence that the leader sees.
async function asks(who) {
  const request = next(ann, "onpartyjoinrequest");
  await who.socket.joinParty(id);
  const asked = await request;
  assert.equal(asked.party_id, id);
  assert.equal(asked.presences[0].user_id, who.id);
  assert.equal(asked.presences[0].username, `${who.name}_${tag}`);
  return asked.presences[0];
}
let benThere = await asks(ben);
let catThere = await asks(cat);
const requests = await ann.socket.listPartyJoinRequests(id);
assert.deepEqual(requests.presences.map((p) => p.user_id).sort(), [ben.id, cat.id].sort());
await assert.rejects(ben.socket.listPartyJoinRequests(id), (e) => e.code === 3);

let joined = next(ann, "onpartypresence", (e) => e.joins?.some((p) => p.user_id === ben.id));
let welcome = next(ben, "onparty");
await ann.socket.acceptPartyMember(id, benThere);
await joined;
welcome = await welcome;
assert.equal(welcome.party_id, id);
if (format === "json") assert.deepEqual(welcome.presences.map((p) => p.user_id).sort(), [ann.id, ben.id].sort());
joined = next(ben, "onpartypresence", (e) => e.joins?.some((p) => p.user_id === cat.id));
await ann.socket.acceptPartyMember(id, catThere);
await joined;
assert.equal((await ann.socket.listPartyJoinRequests(id)).presences?.length ?? 0, 0);

const data = next(cat, "onpartydata");
await ben.socket.sendPartyData(id, 3, JSON.stringify({ go: true }));
const said = await data;
assert.equal(Number(said.op_code), 3);
assert.equal(said.presence.user_id, ben.id);
assert.deepEqual(JSON.parse(new TextDecoder().decode(said.data)), { go: true });

const removed = next(ben, "onpartypresence", (e) => e.leaves?.some((p) => p.user_id === cat.id));
const closed = next(cat, "onpartyclose");
await ann.socket.removePartyMember(id, catThere);
await removed;
assert.equal((await closed).party_id, id);

let leader = next(ann, "onpartyleader");
await ann.socket.promotePartyMember(id, benThere);
assert.equal((await leader).presence.user_id, ben.id);
await assert.rejects(ann.socket.promotePartyMember(id, benThere), (e) => e.code === 3);

// The party waits in the matchmaker, all members know the ticket, and it can be
// taken back; a second ticket finds the one who is alone.
const query = `+properties.tag:${tag}`;
let told = next(ann, "onpartymatchmakerticket");
const first = await ben.socket.addMatchmakerParty(id, query, 3, 3, { tag }, { rank: 1 });
assert.equal((await told).ticket, first.ticket);
assert.equal(first.party_id, id);
assert.equal((await get(ann, "/v2/matchmaker/stats")).ticket_count, 1);
await ben.socket.removeMatchmakerParty(id, first.ticket);
assert.equal((await get(ann, "/v2/matchmaker/stats")).ticket_count ?? 0, 0);
const matched = [ann, ben, cat].map((p) => next(p, "onmatchmakermatched"));
const second = await ben.socket.addMatchmakerParty(id, query, 3, 3, { tag }, { rank: 2 });
await cat.socket.addMatchmaker(query, 3, 3, { tag });
const found = await Promise.all(matched);
assert.equal(found[0].ticket, second.ticket);
assert.equal(found[0].users.filter((u) => u.party_id === id).length, 2);
const stats = await get(ann, "/v2/matchmaker/stats");
assert.equal(stats.ticket_count ?? 0, 0);
assert.equal(stats.completions.length, 3);

// The listing of parties, which the client has no call for.
assert.equal((await get(ann, "/v2/party?limit=10&open=false")).parties[0].party_id, id);
assert.equal((await get(ann, "/v2/party?limit=10&open=true")).parties?.length ?? 0, 0);
assert.equal((await get(ann, `/v2/party?query=${encodeURIComponent("+max_size:3 -open:T")}`)).parties.length, 1);

leader = next(ann, "onpartyleader");
await ben.socket.leaveParty(id);
assert.equal((await leader).presence.user_id, ann.id);
await ann.socket.closeParty(id);
assert.equal((await get(ann, "/v2/party?limit=10")).parties?.length ?? 0, 0);

// A module puts sessions on a stream and talks to them.
const stream = { mode: 100, label: tag };
const same = (e) => Number(e.stream.mode) === 100 && e.stream.label === tag;
await ann.socket.rpc("stream_join", JSON.stringify(stream));
const comes = next(ann, "onstreampresence", (e) => same(e) && e.joins?.some((p) => p.user_id === ben.id));
await ben.socket.rpc("stream_join", JSON.stringify(stream));
assert.equal((await comes).joins.find((p) => p.user_id === ben.id).username, `ben_${tag}`); // ann's own may be in the same event
const heard = next(ann, "onstreamdata", same);
await ben.socket.rpc("stream_say", JSON.stringify({ ...stream, data: "to all of you" }));
assert.equal((await heard).data, "to all of you");
const goes = next(ann, "onstreampresence", (e) => same(e) && e.leaves?.some((p) => p.user_id === ben.id));
await ben.socket.rpc("stream_leave", JSON.stringify(stream));
await goes;

// Matches by label, size and query.
const made = {};
for (const [mode, level] of [["duel", 3], ["duel", 9], ["raid", 5]]) {
  made[mode + level] = (await client.rpc(ann.session, "make", { mode, level, tag })).payload.id;
}
const listed = async (...filter) => (await client.listMatches(ann.session, 10, ...filter)).matches?.map((m) => m.match_id) ?? [];
const only = `+label.tag:${tag}`;
assert.deepEqual((await listed(true, undefined, undefined, undefined, only)).sort(), Object.values(made).sort());
assert.deepEqual(await listed(true, undefined, undefined, undefined, `${only} +label.mode:duel +label.level:>5`), [made.duel9]);
assert.deepEqual(await listed(true, undefined, undefined, undefined, `${only} label.mode:raid^3 label.level:<5`), [made.raid5, made.duel3, made.duel9]);
await ann.socket.joinMatch(made.raid5);
assert.deepEqual(await listed(true, undefined, 1, 4, only), [made.raid5]);
const label = (await client.listMatches(ann.session, 10, true, undefined, 1, 4, only)).matches[0].label;
assert.deepEqual(await listed(true, label), [made.raid5]);
await assert.rejects(client.listMatches(ann.session, 10, true, undefined, undefined, undefined, "+label.mode:"), (r) => r.status === 500);

process.exit(0);
