package modules

import "kumi/store/fault"

func init() { fnCases = append(fnCases, socialCases...) }

// socialCases are the functions for notifications, chat, groups and friends.
// The users of a case know each other only from it.
var socialCases = []fnCase{
	{name: "notifications in full",
		js: `nk.notificationSend(USER, "one", {a: 1}, 1, USER2, true); nk.notificationsSend([{userId: USER, subject: "two", content: {}, code: 2, persistent: true}, {userId: USER, subject: "gone", content: {}, code: 3}]);
			var l = nk.notificationsList(USER, 1), n = l.notifications[0], m = nk.notificationsList(USER, 1, l.cursor);
			nk.notificationsUpdate([{id: n.id, subject: "new", content: {b: 2}}]); var g = nk.notificationsGetId([n.id], USER)[0];
			nk.notificationsDelete([{userId: USER, notificationId: n.id}]); nk.notificationsDeleteId([m.notifications[0].id], USER);
			return [n.subject, n.content, n.code, n.persistent, n.senderId === USER2, n.createTime > 0, m.notifications[0].subject, m.cursor, g.subject, g.content, g.senderId === USER2, g.userId === USER, nk.notificationsList(USER).notifications.length]`,
		lua: `nk.notification_send(USER, "one", {a = 1}, 1, USER2, true); nk.notifications_send({{user_id = USER, subject = "two", content = {}, code = 2, persistent = true}, {user_id = USER, subject = "gone", content = {}, code = 3}})
			local l, cursor = nk.notifications_list(USER, 1); local n = l[1]; local m, last = nk.notifications_list(USER, 1, cursor)
			nk.notifications_update({{id = n.id, subject = "new", content = {b = 2}}}); local g = nk.notifications_get_id({n.id}, USER)[1]
			nk.notifications_delete({{user_id = USER, notification_id = n.id}}); nk.notifications_delete_id({m[1].id}, USER)
			return {n.subject, n.content, n.code, n.persistent, n.senderId == USER2 and n.sender_id == USER2, n.createTime > 0 and n.create_time == n.createTime, m[1].subject, last or "none", g.subject, g.content, g.sender_id == USER2, g.user_id == USER, #nk.notifications_list(USER)}`,
		want:    `["one","{\"a\": 1}",1,true,true,true,"two",null,"new",{"b":2},true,true,0]`,
		luaWant: `["one","{\"a\": 1}",1,true,true,true,"two","none","new",{"b":2},true,true,0]`},
	{name: "notification to all", js: `nk.notificationSendAll("all", {}, 7); nk.notificationSendAll("all", {}, 7, true)`, lua: `nk.notification_send_all("all", {}, 7); nk.notification_send_all("all", {}, 7, true)`, want: `null`},
	{name: "notification code", js: `nk.notificationSend(USER, "s", {}, 0)`, lua: `nk.notification_send(USER, "s", {}, 0)`, code: fault.InvalidArgument, err: "must be above 0 or from -2000 to -1000"},
	{name: "notification to all code", js: `nk.notificationSendAll("s", {}, -1000)`, lua: `nk.notification_send_all("s", {}, -1000)`, code: fault.InvalidArgument, err: "must be above 0"},
	{name: "notification cursor", js: `nk.notificationsList(USER, 1, "x")`, lua: `nk.notifications_list(USER, 1, "x")`, code: fault.InvalidArgument, err: "cursor"},
	{name: "notification content", js: `nk.notificationsSend([{userId: USER, subject: "s", code: 1}])`, lua: `nk.notifications_send({{user_id = USER, subject = "s", code = 1}})`, err: "[0].content): expected an object", luaErr: "[0].content: expected an object"},
	{name: "notification user", js: `nk.notificationSend(nk.uuidv4(), "s", {}, 1, null, true)`, lua: `nk.notification_send(nk.uuid_v4(), "s", {}, 1, nil, true)`, code: fault.NotFound},

	{name: "channel", js: `var id = nk.channelIdBuild(USER, "room-js", 1), a = nk.channelMessageSend(id, {x: 1}, USER, "me"); nk.channelMessageSend(id, {x: 2}, null, "server");
			var u = nk.channelMessageUpdate(id, a.messageId, {x: 3}, USER, "me"), l = nk.channelMessagesList(id, 1), m = nk.channelMessagesList(id, 1, true, l.nextCursor);
			nk.channelMessageRemove(id, a.messageId, USER, "me");
			return [id, a.channelId, a.code, a.persistent, a.username, u.code, l.messages[0].content, l.messages[0].senderId === USER, m.messages[0].username, m.nextCursor, m.prevCursor !== "", nk.channelMessagesList(id).messages.length]`,
		lua: `local id = nk.channel_id_build(USER, "room-js", 1); local room = "2...room-lua"; local a = nk.channel_message_send(room, {x = 1}, USER, "me", true); nk.channel_message_send(room, {x = 2}, nil, "server", true); nk.channel_message_send(room, {x = 4})
			local u = nk.channel_message_update(room, a.messageId, {x = 3}, USER, "me", true); local l, next = nk.channel_messages_list(room, 1); local m, next2, prev2 = nk.channel_messages_list(room, 1, true, next)
			nk.channel_message_remove(room, a.messageId, USER, "me", true)
			return {id, id, a.code, a.persistent, a.username, u.code, l[1].content, l[1].senderId == USER, m[1].username, next2, prev2 ~= "", #nk.channel_messages_list(room)}`,
		want: `["2...room-js","2...room-js",0,true,"me",1,"{\"x\": 3}",true,"server","",true,1]`},
	{name: "channel kinds", js: `return [nk.channelIdBuild(USER, USER2, 2) === nk.channelIdBuild(USER2, USER, 2), nk.channelIdBuild(null, USER, 3) === "3." + USER + ".."]`,
		lua: `return {nk.channel_id_build(USER, USER2, 2) == nk.channel_id_build(USER2, USER, 2), nk.channel_id_build("", USER, 3) == "3." .. USER .. ".."}`, want: `[true,true]`},
	{name: "channel kind", js: `nk.channelIdBuild(USER, "x", 4)`, lua: `nk.channel_id_build(USER, "x", 4)`, err: "expected 1 for a room"},
	{name: "channel id", js: `nk.channelMessageSend("x", {})`, lua: `nk.channel_message_send("x", {})`, code: fault.InvalidArgument, err: "invalid channel id"},
	{name: "channel cursor", js: `nk.channelMessagesList("2...x", 1, true, "x")`, lua: `nk.channel_messages_list("2...x", 1, true, "x")`, code: fault.InvalidArgument, err: "cursor"},
	{name: "channel group", js: `nk.channelIdBuild(USER, nk.uuidv4(), 3)`, lua: `nk.channel_id_build(USER, nk.uuid_v4(), 3)`, code: fault.NotFound, err: "group"},
	{name: "channel sender", js: `nk.channelIdBuild(null, USER, 2)`, lua: `nk.channel_id_build(nil, USER, 2)`, code: fault.InvalidArgument, err: "target"},
	{name: "channel zero", js: `nk.channelMessageSend("2...x", {a: "\u0000"})`, lua: `nk.channel_message_send("2...x", {a = "\0"}, nil, nil, true)`, code: fault.InvalidArgument, err: "stored"},

	{name: "group", js: `var g = nk.groupCreate(USER, "team-js", USER2, "de", "what", "http://a", false, {k: 1}, 5);
			nk.groupUserJoin(g.id, USER2, "two"); var asked = nk.groupUsersList(g.id, 10, 3).groupUsers.length; nk.groupUsersAdd(g.id, [USER2], USER); nk.groupUsersPromote(g.id, [USER2]);
			var l = nk.groupUsersList(g.id, 1), m = nk.groupUsersList(g.id, 1, null, l.cursor); nk.groupUpdate(g.id, USER, null, null, null, "", null, true, {k: 2});
			var u = nk.groupsGetId([g.id])[0]; nk.groupUsersDemote(g.id, [USER2]); var mine = nk.userGroupsList(USER2).userGroups[0];
			nk.groupUsersBan(g.id, [USER2]); var banned = nk.groupUsersList(g.id, 10, 4).groupUsers[0].user.userId === USER2; nk.groupUsersKick(g.id, [USER2]); nk.groupUserJoin(g.id, USER2, "two"); nk.groupUserLeave(g.id, USER2, "two");
			var found = nk.groupsList("TEAM-J%").groups.length; nk.groupDelete(g.id);
			return [g.name, g.creatorId === USER2, g.langTag, g.description, g.avatarUrl, g.open, g.edgeCount, g.maxCount, g.metadata, asked, l.groupUsers[0].state, l.groupUsers[0].user.userId === USER, m.groupUsers[0].state, m.cursor, u.open, u.description, u.metadata, mine.state, mine.group.name, banned, found, nk.groupsGetId([g.id]).length, nk.groupsGetRandom().length]`,
		lua: `local g = nk.group_create(USER, "team-lua", USER2, "de", "what", "http://a", false, {k = 1}, 5)
			nk.group_user_join(g.id, USER2, "two"); local asked = #nk.group_users_list(g.id, 10, 3); nk.group_users_add(g.id, {USER2}, USER); nk.group_users_promote(g.id, {USER2})
			local l, cursor = nk.group_users_list(g.id, 1); local m, last = nk.group_users_list(g.id, 1, nil, cursor); nk.group_update(g.id, USER, "", nil, nil, "", nil, true, {k = 2})
			local u = nk.groups_get_id({g.id})[1]; nk.group_users_demote(g.id, {USER2}); local mine = nk.user_groups_list(USER2)[1]
			nk.group_users_ban(g.id, {USER2}); local banned = nk.group_users_list(g.id, 10, 4)[1].user.user_id == USER2; nk.group_users_kick(g.id, {USER2}); nk.group_user_join(g.id, USER2, "two"); nk.group_user_leave(g.id, USER2, "two")
			local found = #nk.groups_list("TEAM-L%"); nk.group_delete(g.id)
			return {g.name, g.creator_id == USER2, g.lang_tag, g.description, g.avatar_url, g.open, g.edge_count, g.max_count, g.metadata, asked, l[1].state, l[1].user.user_id == USER, m[1].state, last or "none", u.open, u.description, u.metadata, mine.state, mine.group.name, banned, found, #nk.groups_get_id({g.id}), #nk.groups_get_random()}`,
		want:    `["team-js",true,"de","what","http://a",false,1,5,{"k":1},1,0,true,1,null,true,"",{"k":2},2,"team-js",true,1,0,0]`,
		luaWant: `["team-lua",true,"de","what","http://a",false,1,5,{"k":1},1,0,true,1,"none",true,"what",{"k":2},2,"team-lua",true,1,0,0]`},
	{name: "group list", js: `nk.groupCreate(USER, "list-js"); return nk.groupsList(null, "en", false, 1, 10).groups.length > 0`, lua: `nk.group_create(USER, "list-lua"); return #nk.groups_list(nil, "en", false, 1, 10) > 0`, want: `true`},
	{name: "group filters", js: `nk.groupsList("x", "en")`, lua: `nk.groups_list("x", "en")`, code: fault.InvalidArgument, err: "combined"},
	{name: "group state", js: `nk.groupUsersList(USER, 10, 5)`, lua: `nk.group_users_list(USER, 10, 5)`, err: "from 0 to 4"},
	{name: "group permission", js: `var g = nk.groupCreate(USER, "mine-js"); nk.groupUsersKick(g.id, [USER], USER2)`, lua: `local g = nk.group_create(USER, "mine-lua"); nk.group_users_kick(g.id, {USER}, USER2)`, code: fault.PermissionDenied, err: "permission denied"},
	{name: "group name", js: `nk.groupCreate(USER, "same-js"); nk.groupCreate(USER2, "same-js")`, lua: `nk.group_create(USER, "same-lua"); nk.group_create(USER2, "same-lua")`, code: fault.AlreadyExists, err: "name in use"},
	{name: "group cursor", js: `nk.groupsList(null, null, null, null, 1, "x")`, lua: `nk.groups_list(nil, nil, nil, nil, 1, "x")`, code: fault.InvalidArgument, err: "cursor"},
	{name: "group unknown", js: `nk.groupDelete(nk.uuidv4())`, lua: `nk.group_delete(nk.uuid_v4())`, code: fault.NotFound},

	{name: "friends",
		js: `var one = nk.usersGetId([USER])[0].username, two = nk.usersGetId([USER2])[0].username;
			nk.friendsAdd(USER, one, [USER2], null, {k: 1}); var sent = nk.friendsList(USER, 10, 1).friends[0]; nk.friendsAdd(USER2, two, [], [one]);
			nk.friendMetadataUpdate(USER, USER2, {m: 2}); var f = nk.friendsList(USER), status = nk.usersGetFriendStatus(USER2, [USER])[0];
			nk.friendsBlock(USER, one, [USER2]); var blocked = nk.friendsList(USER, 1, 3).friends.length; nk.friendsDelete(USER, one, null, [two]);
			return [sent.state, sent.metadata, f.friends[0].state, f.friends[0].user.userId === USER2, f.friends[0].metadata, f.friends[0].updateTime > 0, "cursor" in f, status.state, status.metadata, blocked, nk.friendsList(USER).friends.length, nk.friendsOfFriendsList(USER).friendsOfFriends.length]`,
		lua: `local one, two = nk.users_get_id({USER})[1].username, nk.users_get_id({USER2})[1].username
			nk.friends_add(USER, one, {USER2}, nil, {k = 1}); local sent = nk.friends_list(USER, 10, 1)[1]; nk.friends_add(USER2, two, {}, {one})
			nk.friend_metadata_update(USER, USER2, {m = 2}); local f, cursor = nk.friends_list(USER); local status = nk.users_get_friend_status(USER2, {USER})[1]
			nk.friends_block(USER, one, {USER2}); local blocked = #nk.friends_list(USER, 1, 3); nk.friends_delete(USER, one, nil, {two})
			return {sent.state, sent.metadata, f[1].state, f[1].user.user_id == USER2, f[1].metadata, f[1].update_time > 0, cursor ~= nil, status.state, status.metadata, blocked, #nk.friends_list(USER), #nk.friends_of_friends_list(USER)}`,
		want: `[1,{"k":1},0,true,{"m":2},true,false,0,{},1,0,0]`},
	{name: "friends of friends",
		js: `var third = nk.authenticateDevice("device-of-a-third-js").userId; [[USER, USER2], [USER2, USER], [USER2, third], [third, USER2]].forEach(function (p) { nk.friendsAdd(p[0], "x", [p[1]]) });
			var l = nk.friendsOfFriendsList(USER, 5); return [l.friendsOfFriends.length, l.friendsOfFriends[0].referrer === USER2, l.friendsOfFriends[0].user.userId === third, l.cursor]`,
		lua: `local third = nk.authenticate_device("device-of-a-third-lua"); for _, p in ipairs({{USER, USER2}, {USER2, USER}, {USER2, third}, {third, USER2}}) do nk.friends_add(p[1], "x", {p[2]}) end
			local l, cursor = nk.friends_of_friends_list(USER, 5); return {#l, l[1].referrer == USER2, l[1].user.user_id == third, cursor or "none"}`,
		want: `[1,true,true,null]`, luaWant: `[1,true,true,"none"]`},
	{name: "friend oneself", js: `nk.friendsAdd(USER, "x", [USER])`, lua: `nk.friends_add(USER, "x", {USER})`, code: fault.InvalidArgument, err: "Cannot add self as friend."},
	{name: "friend unknown", js: `nk.friendsAdd(USER, "x", null, ["nobody at all"])`, lua: `nk.friends_add(USER, "x", nil, {"nobody at all"})`, code: fault.InvalidArgument, err: "No valid ID or username"},
	{name: "friend metadata", js: `nk.friendMetadataUpdate(USER, USER2, 1)`, lua: `nk.friend_metadata_update(USER, USER2, 1)`, err: "expected an object"},
}
