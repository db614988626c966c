package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

func init() {
	golang.Register("empty", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
		if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["empty"] != "go" {
			return nil
		}
		return initializer.RegisterRpc("lists", emptyLists)
	})
}

// emptyLists returns every list of nk that is empty, by name. Modules pass such lists
// on to clients.
func emptyLists(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, user string) (string, error) {
	lists, all := map[string]any{}, error(nil)
	keep := func(name string, list any, err error) {
		lists[name], all = list, errors.Join(all, err)
	}
	channel, err := nk.ChannelIdBuild(ctx, user, "nowhere", runtime.Room)
	all = errors.Join(all, err)
	group, err := nk.GroupCreate(ctx, user, "g", user, "", "", "", true, nil, 5)
	if err != nil {
		return "", err
	}
	accounts, err := nk.AccountsGetId(ctx, nil, nil)
	keep("AccountsGetId", accounts, err)
	users, err := nk.UsersGetId(ctx, nil, nil)
	keep("UsersGetId", users, err)
	users, err = nk.UsersGetUsername(ctx, []string{"nobody"})
	keep("UsersGetUsername", users, err)
	users, err = nk.UsersGetRandom(ctx, 0)
	keep("UsersGetRandom", users, err)
	friends, err := nk.UsersGetFriendStatus(ctx, user, nil)
	keep("UsersGetFriendStatus", friends, err)
	presences, err := nk.StreamUserList(77, "", "", "empty", true, true)
	keep("StreamUserList", presences, err)
	matches, err := nk.MatchList(ctx, 10, true, "", nil, nil, "")
	keep("MatchList", matches, err)
	notifications, _, err := nk.NotificationsList(ctx, user, 10, "")
	keep("NotificationsList", notifications, err)
	some, err := nk.NotificationsGetId(ctx, user, []string{channelLess})
	keep("NotificationsGetId", some, err)
	items, _, err := nk.WalletLedgerList(ctx, user, 10, "")
	keep("WalletLedgerList", items, err)
	objects, _, err := nk.StorageList(ctx, "", user, "nothing", 10, "")
	keep("StorageList", objects, err)
	objects, err = nk.StorageRead(ctx, []*runtime.StorageRead{{Collection: "nothing", Key: "k", UserID: user}})
	keep("StorageRead", objects, err)
	objects, err = nk.StorageRead(ctx, nil)
	keep("StorageRead of nothing", objects, err)
	acks, err := nk.StorageWrite(ctx, nil)
	keep("StorageWrite of nothing", acks, err)
	groups, err := nk.GroupsGetId(ctx, nil)
	keep("GroupsGetId", groups, err)
	groups, _, err = nk.GroupsList(ctx, "no such name", "", nil, nil, 10, "")
	keep("GroupsList", groups, err)
	groups, err = nk.GroupsGetRandom(ctx, 0)
	keep("GroupsGetRandom", groups, err)
	banned := 4
	members, _, err := nk.GroupUsersList(ctx, group.Id, 10, &banned, "")
	keep("GroupUsersList", members, err)
	state := 3
	ofUser, _, err := nk.UserGroupsList(ctx, user, 10, &state, "")
	keep("UserGroupsList", ofUser, err)
	friends, _, err = nk.FriendsList(ctx, user, 10, nil, "")
	keep("FriendsList", friends, err)
	further, _, err := nk.FriendsOfFriendsList(ctx, user, 10, "")
	keep("FriendsOfFriendsList", further, err)
	messages, _, _, err := nk.ChannelMessagesList(ctx, channel, 10, true, "")
	keep("ChannelMessagesList", messages, err)
	parties, _, err := nk.PartyList(ctx, 10, nil, true, "", "")
	keep("PartyList", parties, err)
	if all != nil {
		return "", all
	}
	text, err := json.Marshal(lists)
	return string(text), err
}

const channelLess = "3b1c0a4e-5f0f-4c68-9c0e-2d3f4a5b6c7d"

// An empty list is an empty slice in Go, not nil, so that it is [] in JSON, as it is in
// JavaScript.
func TestEmptyLists(t *testing.T) {
	t.Parallel()
	want := func(t *testing.T, srv *servertest.Server) {
		t.Helper()
		text, a := srv.RPC(t, "lists", srv.User(t, "one").ID)
		must(t, a)
		var lists map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &lists); err != nil || len(lists) < 15 {
			t.Fatalf("%d lists in %s: %v", len(lists), text, err)
		}
		for name, list := range lists {
			if string(list) != "[]" {
				t.Errorf("%s gives %s, want []", name, list)
			}
		}
	}
	t.Run("go", func(t *testing.T) {
		t.Parallel()
		want(t, servertest.Start(t, servertest.Flags("--runtime.env", "empty=go")))
	})
	t.Run("javascript", func(t *testing.T) {
		t.Parallel()
		want(t, servertest.Start(t, servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("lists", (ctx, logger, nk, user) => {
				const group = nk.groupCreate(user, "g", user);
				return JSON.stringify({
					accountsGetId: nk.accountsGetId([]), usersGetId: nk.usersGetId([]), usersGetUsername: nk.usersGetUsername(["nobody"]),
					usersGetRandom: nk.usersGetRandom(0), usersGetFriendStatus: nk.usersGetFriendStatus(user, []),
					streamUserList: nk.streamUserList({ mode: 77, label: "empty" }, true, true), matchList: nk.matchList(10, true),
					notificationsList: nk.notificationsList(user).notifications, notificationsGetId: nk.notificationsGetId(["`+channelLess+`"], user),
					walletLedgerList: nk.walletLedgerList(user).items, storageList: nk.storageList(user, "nothing").objects,
					storageRead: nk.storageRead([{ collection: "nothing", key: "k", userId: user }]), storageReadNone: nk.storageRead([]),
					storageWriteNone: nk.storageWrite([]), groupsGetId: nk.groupsGetId([]), groupsList: nk.groupsList("no such name").groups,
					groupsGetRandom: nk.groupsGetRandom(0), groupUsersList: nk.groupUsersList(group.id, 10, 4).groupUsers,
					userGroupsList: nk.userGroupsList(user, 10, 3).userGroups, friendsList: nk.friendsList(user).friends,
					friendsOfFriendsList: nk.friendsOfFriendsList(user).friendsOfFriends,
					channelMessagesList: nk.channelMessagesList(nk.channelIdBuild(user, "nowhere", 1), 10).messages,
					partyList: nk.partyList(10, undefined, true).parties,
				});
			});
		}`)))
	})
}
