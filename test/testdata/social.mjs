// Drives what players do together, through the published client. Every check
// that fails ends the program with the reason.
import assert from "node:assert/strict";
import { client, next, player, tag } from "./players.mjs";

const ann = await player("ann");
const ben = await player("ben");

// Chat in a room: presence, message, edit, removal, history.
const room = `room-${tag}`;
const channel = await ann.socket.joinChat(room, 1, true, false);
const arrives = next(ann, "onchannelpresence", (e) => e.joins?.some((p) => p.user_id === ben.id));
assert.equal((await ben.socket.joinChat(room, 1, true, false)).presences.length, 1);
await arrives;
let heard = next(ben, "onchannelmessage");
const ack = await ann.socket.writeChatMessage(channel.id, { text: "what the heck" });
let message = await heard;
assert.deepEqual(message.content, { text: "what the ****" }); // the module's filter
assert.equal(message.sender_id, ann.id);
heard = next(ben, "onchannelmessage", (m) => m.code === 1);
await ann.socket.updateChatMessage(channel.id, ack.message_id, { text: "hello" });
assert.deepEqual((await heard).content, { text: "hello" });
await assert.rejects(ben.socket.removeChatMessage(channel.id, ack.message_id), (e) => e.code === 3);
await ann.socket.writeChatMessage(channel.id, { text: "two" });
const history = await client.listChannelMessages(ann.session, channel.id, 10, true);
assert.deepEqual(history.messages.map((m) => m.content.text), ["hello", "two"]);
const older = await client.listChannelMessages(ann.session, channel.id, 1, false);
assert.equal(older.messages[0].content.text, "two");
assert.equal((await client.listChannelMessages(ann.session, channel.id, 1, false, older.next_cursor)).messages[0].content.text, "hello");
const departs = next(ann, "onchannelpresence", (e) => e.leaves?.some((p) => p.user_id === ben.id));
await ben.socket.leaveChat(channel.id);
await departs;

// A direct message notifies the other one.
const told = next(ben, "onnotification", (n) => n.code === -1);
await ann.socket.joinChat(ben.id, 2, true, false);
assert.equal((await told).sender_id, ann.id);
const list = await client.listNotifications(ben.session, 10);
assert.equal(list.notifications.length, 1);
await client.deleteNotifications(ben.session, [list.notifications[0].id]);
assert.equal((await client.listNotifications(ben.session, 10)).notifications.length, 0);

// Friends and groups.
await client.addFriends(ann.session, [ben.id]);
assert.equal((await client.listFriends(ben.session, 2)).friends[0].user.id, ann.id);
await client.addFriends(ben.session, [ann.id]);
assert.equal((await client.listFriends(ann.session, 0)).friends.length, 1);
const group = await client.createGroup(ann.session, { name: `group-${tag}`, open: true });
await client.joinGroup(ben.session, group.id);
assert.equal((await client.listGroupUsers(ann.session, group.id)).group_users.length, 2);
const groupChat = await ann.socket.joinChat(group.id, 3, true, false);
heard = next(ann, "onchannelmessage", (m) => m.group_id === group.id && m.sender_id === ben.id && m.code === 0);
await ben.socket.joinChat(group.id, 3, true, false);
await ben.socket.writeChatMessage(groupChat.id, { text: "in the group" });
assert.equal((await heard).content.text, "in the group");

// Status.
const followed = await ann.socket.followUsers([ben.id]);
assert.equal(followed.presences[0].user_id, ben.id);
const status = next(ann, "onstatuspresence", (e) => e.joins?.some((p) => p.user_id === ben.id && p.status === "in the lobby"));
await ben.socket.updateStatus("in the lobby");
await status;
await ann.socket.unfollowUsers([ben.id]);

// An open party; closed ones are in together.mjs.
const party = await ann.socket.createParty(true, 4);
const presence = next(ann, "onpartypresence", (e) => e.joins?.some((p) => p.user_id === ben.id));
const welcome = next(ben, "onparty");
await ben.socket.joinParty(party.party_id);
await presence;
assert.equal((await welcome).party_id, party.party_id);
const data = next(ben, "onpartydata");
await ann.socket.sendPartyData(party.party_id, 3, JSON.stringify({ go: true }));
assert.equal(Number((await data).op_code), 3);
const leader = next(ben, "onpartyleader");
await ann.socket.leaveParty(party.party_id);
assert.equal((await leader).presence.user_id, ben.id);
await ben.socket.closeParty(party.party_id);

// The matchmaker pairs them, and they meet in a relayed match.
const matched = [ann, ben].map((p) => next(p, "onmatchmakermatched"));
const query = `+properties.tag:${tag}`;
await ann.socket.addMatchmaker(query, 2, 2, { tag }, { rank: 3 });
const ticket = await ben.socket.addMatchmaker(query, 2, 2, { tag }, { rank: 4 });
const found = await Promise.all(matched);
assert.equal(found[1].ticket, ticket.ticket);
assert.equal(found[0].users.length, 2);
const match = await ann.socket.joinMatch(undefined, found[0].token);
assert.equal((await ben.socket.joinMatch(undefined, found[1].token)).match_id, match.match_id);
const other = await ann.socket.addMatchmaker("*", 2, 2);
await ann.socket.removeMatchmaker(other.ticket);

process.exit(0);
