package test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/server/servertest"
)

// Clients compare the texts of errors, so they are part of the protocol. A text
// that ends with … is the beginning of one: what is known besides follows.

func sameWords(got, want string) bool {
	if begin, ok := strings.CutSuffix(want, "…"); ok {
		return strings.HasPrefix(got, begin)
	}
	return got == want
}

func TestWordsOverHTTP(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("number", () => 7);
			initializer.registerRpc("ban", (ctx, logger, nk, id) => { nk.usersBanId([id]); });
			initializer.registerRpc("gone", (ctx, logger, nk, id) => { nk.accountDeleteId(id, false); });
		}`))
	ann, ben, cid, dan, eve := srv.User(t, "ann"), srv.User(t, "ben"), srv.User(t, "cid"), srv.User(t, "dan"), srv.User(t, "eve")
	long := strings.Repeat("x", 129)
	const nobody = "5a1b7d4e-0000-4000-8000-00000000000a"
	must := func(u *servertest.User, method, path, body string) string {
		t.Helper()
		a := u.Do(t, method, path, body)
		if a.Status != 200 {
			t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
		}
		return a.Body
	}
	must(ben, "POST", "/v2/account/link/custom", `{"id":"custom-of-ben"}`)
	must(ben, "POST", "/v2/account/link/email", `{"email":"ben@example.com","password":"ben's password"}`)
	var group struct{ ID string }
	_ = json.Unmarshal([]byte(must(ben, "POST", "/v2/group", `{"name":"bens"}`)), &group)
	must(ben, "PUT", "/v2/storage", `{"objects":[{"collection":"c","key":"read only","value":"{}","permission_write":0},{"collection":"c","key":"k","value":"{}"}]}`)
	if _, a := srv.RPC(t, "ban", cid.ID); a.Status != 200 {
		t.Fatal(a.Body)
	}
	if _, a := srv.RPC(t, "gone", eve.ID); a.Status != 200 {
		t.Fatal(a.Body)
	}

	const key, open = "key", "" // else the caller's name
	users := map[string]*servertest.User{"ann": ann, "ben": ben, "dan": dan}
	const (
		device = "POST /v2/account/authenticate/device"
		custom = "POST /v2/account/authenticate/custom"
		email  = "POST /v2/account/authenticate/email"
		lastID = "Cannot unlink last account identifier. Check profile exists and is not last link."
		limit  = "Invalid limit - limit must be between 1 and 100."
		names  = "Invalid collection or key value supplied. They must be set."
		owner  = "Invalid user ID - make sure user ID is a valid UUID."
	)
	own := "/v2/group/" + group.ID
	for _, c := range []struct {
		who, call, body string
		code            int
		want            string
	}{
		{key, custom, `{}`, 3, "Custom ID is required."},
		{key, custom, `{"id":"with space"}`, 3, "Custom ID invalid, no spaces or control characters allowed."},
		{key, custom, `{"id":"short"}`, 3, "Custom ID invalid, must be 6-128 bytes."},
		{"ann", "POST /v2/account/link/custom", `{"id":"with space"}`, 3, "Invalid custom ID, no spaces or control characters allowed."},
		{"ann", "POST /v2/account/link/custom", `{"id":"short"}`, 3, "Invalid custom ID, must be 6-128 bytes."},
		{"ann", "POST /v2/account/link/custom", `{"id":"custom-of-ben"}`, 6, "Custom ID is already in use."},
		{key, device, `{}`, 3, "Device ID is required."},
		{key, device, `{"id":"with a space"}`, 3, "Device ID invalid, no spaces or control characters allowed."},
		{key, device, `{"id":"short"}`, 3, "Device ID invalid, must be 10-128 bytes."},
		{"ann", "POST /v2/account/link/device", `{}`, 3, "Device ID is required."},
		{"ann", "POST /v2/account/link/device", `{"id":"with a space"}`, 3, "Device ID invalid, no spaces or control characters allowed."},
		{"ann", "POST /v2/account/link/device", `{"id":"short"}`, 3, "Device ID invalid, must be 10-128 bytes."},
		{"ann", "POST /v2/account/link/device", `{"id":"device-of-ben"}`, 6, "Device ID already in use."},
		{"ann", "POST /v2/account/unlink/device", `{}`, 3, "A device ID must be supplied."},
		{key, email, `{}`, 3, "Email address and password is required."},
		{"ann", "POST /v2/account/link/email", `{}`, 3, "Email address and password is required."},
		{key, email, `{"email":"not-an-address","password":"password"}`, 3, "Invalid email address format."},
		{key, email, `{"email":"a b@example.com","password":"password"}`, 3, "Invalid email address, no spaces or control characters allowed."},
		{key, email, `{"email":"ann@example.com","password":"short"}`, 3, "Password must be at least 8 characters long."},
		{key, email, `{"email":"ann@example.com"}`, 3, "Password must be at least 8 characters long."},
		{key, email, `{"email":"ben@example.com","password":"another one"}`, 16, "Invalid credentials."},
		{"ann", "POST /v2/account/link/email", `{"email":"ben@example.com","password":"password"}`, 6, "Email is already in use."},
		{key, device + "?create=false", `{"id":"unknown-device"}`, 5, "User account not found."},
		{key, device, `{"id":"device-of-cid"}`, 7, "User account banned."},
		{key, device + "?username=" + long, `{"id":"unknown-device"}`, 3, "Username invalid, must be 1-128 bytes."},
		{key, device + "?username=%01", `{"id":"unknown-device"}`, 3, "Username invalid, no spaces or control characters allowed."},
		{key, device + "?username=ben", `{"id":"unknown-device"}`, 6, "Username is already in use."},
		{"ann", "POST /v2/account/unlink/device", `{"id":"device-of-ann"}`, 7, lastID},
		{"ann", "POST /v2/account/unlink/custom", `{"id":"custom-of-ben"}`, 7, lastID},
		{"ann", "POST /v2/account/unlink/email", `{"email":"ben@example.com"}`, 7, lastID},

		{key, "POST /v2/account/session/refresh", `{}`, 3, "Refresh token is required."},
		{key, "POST /v2/account/session/refresh", `{"token":"x"}`, 16, "Refresh token invalid or expired."},
		{"ann", "POST /v2/session/logout", `{"token":"x"}`, 3, "Session token invalid."},
		{"ann", "POST /v2/session/logout", `{"refresh_token":"x"}`, 3, "Refresh token invalid."},
		{"ann", "PUT /v2/account", `{}`, 3, "No fields to update."},
		{"ann", "PUT /v2/account", `{"username":"ben"}`, 3, "Username is already in use."},
		{"ann", "PUT /v2/account", `{"location":"` + strings.Repeat("x", 256) + `"}`, 3, "Error while trying to update account.…"},
		{"ann", "GET /v2/user?ids=x", "", 3, "ID 'x' is not a valid system ID."},

		{"ann", "POST /v2/friend?ids=x", "", 3, "Invalid user ID 'x'."},
		{"ann", "DELETE /v2/friend?ids=x", "", 3, "Invalid user ID 'x'."},
		{"ann", "POST /v2/friend/block?ids=x", "", 3, "Invalid user ID 'x'."},
		{"ann", "POST /v2/friend?ids=" + ann.ID, "", 3, "Cannot add self as friend."},
		{"ann", "POST /v2/friend?usernames=ann", "", 3, "Cannot add self as friend."},
		{"ann", "DELETE /v2/friend?ids=" + ann.ID, "", 3, "Cannot delete self."},
		{"ann", "POST /v2/friend/block?ids=" + ann.ID, "", 3, "Cannot block self."},
		{"ann", "GET /v2/friend?limit=0", "", 3, "Invalid limit - limit must be between 1 and 1000."},
		{"ann", "GET /v2/friend?state=4", "", 3, "Invalid state - state must be between 0 and 3."},

		{"ben", "POST " + own + "/add?user_ids=x", "", 3, "User ID must be a valid ID."},
		{"ben", "POST " + own + "/ban?user_ids=x", "", 3, "User ID must be a valid ID."},
		{"ben", "POST " + own + "/kick?user_ids=x", "", 3, "User ID must be a valid ID."},
		{"ben", "POST " + own + "/add?user_ids=" + nobody, "", 3, "One or more users not found."},
		{"ben", "POST " + own + "/demote", "", 3, "Group ID must be set."},
		{"ann", "GET /v2/user/x/group", "", 3, "Group ID must be a valid ID."},
		{"ann", "GET " + own + "/user?state=5", "", 3, "Invalid state - state must be between 0 and 4."},
		{"ann", "GET " + own + "/user?limit=101", "", 3, limit},
		{"ann", "POST /v2/group", `{"name":"g","max_count":-1}`, 3, "Group max count must be >= 1 when set."},
		{"ann", "POST /v2/group", `{"name":"` + strings.Repeat("x", 256) + `"}`, 3, "Error while trying to create group.…"},
		{"ben", "PUT " + own, `{"name":""}`, 3, "Group name cannot be empty."},
		{"ben", "PUT " + own, `{"lang_tag":""}`, 3, "Group language cannot be empty."},
		{"ben", "PUT " + own, `{}`, 3, "Specify at least one field to update."},
		{"ben", "PUT " + own, `{"name":"` + strings.Repeat("x", 256) + `"}`, 3, "Error while trying to update group.…"},
		{"ann", "PUT " + own, `{"open":true}`, 5, "Group not found or you're not allowed to update."},
		{"ann", "DELETE " + own, "", 3, "Group not found or you're not allowed to delete."},
		{"ann", "POST /v2/group/" + nobody + "/join", "", 5, "Group not found."},
		{"ann", "GET /v2/group?name=x&open=true", "", 3, "name filter cannot be combined with any other filter"},
		{"ann", "GET /v2/group?cursor=x", "", 3, "Error while trying to list groups.…"},

		{"ann", "PUT /v2/storage", `{"objects":[{"key":"k","value":"{}"}]}`, 3, names},
		{"ann", "PUT /v2/storage", `{"objects":[{"collection":"c","value":"{}"}]}`, 3, names},
		{"ann", "PUT /v2/storage", `{"objects":[{"collection":"c","key":"k"}]}`, 3, names},
		{"ann", "PUT /v2/storage", `{"objects":[{"collection":"c","key":"k","value":"[]"}]}`, 3, "Value must be a JSON object.…"},
		{"ann", "PUT /v2/storage", `{"objects":[{"collection":"c","key":"k","value":"{}","permission_read":3}]}`, 3, "Invalid Read permission supplied. It must be either 0, 1 or 2.…"},
		{"ann", "PUT /v2/storage", `{"objects":[{"collection":"c","key":"k","value":"{}","permission_write":2}]}`, 3, "Invalid Write permission supplied. It must be either 0 or 1.…"},
		{"ben", "PUT /v2/storage", `{"objects":[{"collection":"c","key":"k","value":"{}","version":"x"}]}`, 3, "Storage write rejected - version check failed."},
		{"ben", "PUT /v2/storage", `{"objects":[{"collection":"c","key":"read only","value":"{\"a\":1}"}]}`, 3, "Storage write rejected - permission denied."},
		{"ann", "PUT /v2/storage", `{"objects":[{"collection":"c","key":"` + long + `","value":"{}"}]}`, 3, "Error writing storage objects.…"},
		{"ann", "POST /v2/storage", `{"object_ids":[{"collection":"c","key":"k","user_id":"x"}]}`, 3, owner},
		{"ann", "GET /v2/storage/c/x", "", 3, owner},
		{"ann", "GET /v2/storage/c?cursor=x", "", 3, "Malformed cursor was used."},
		{"ann", "GET /v2/storage/c?limit=101", "", 3, limit},
		{"ann", "PUT /v2/storage/delete", `{"object_ids":[{"key":"k"}]}`, 3, names},
		{"ann", "PUT /v2/storage/delete", `{"object_ids":[{"collection":"c","key":"none"}]}`, 3, "Storage delete rejected - not found, version check failed, or permission denied."},

		{"ann", "GET /v2/channel/x", "", 3, "Invalid channel ID."},
		{"ann", "GET /v2/channel/2...lobby?cursor=x", "", 3, "Cursor is invalid or expired."},
		{"ann", "GET /v2/notification?cacheable_cursor=x", "", 3, "Error retrieving notifications.…"},
		{"ann", "DELETE /v2/notification?ids=x", "", 13, "Error while deleting notifications."},
		{"ann", "GET /v2/match?min_size=-1", "", 3, "Minimum size must be 0 or above."},
		{"ann", "GET /v2/match?max_size=-1", "", 3, "Maximum size must be 0 or above."},
		{"ann", "GET /v2/match?min_size=2&max_size=1", "", 3, "Maximum size must be greater than or equal to minimum size when both are specified."},
		{"ann", "GET /v2/match?authoritative=false&label=x", "", 3, "Label filtering is not supported for non-authoritative matches."},
		{"ann", "GET /v2/match?query=" + url.QueryEscape("label.x:"), "", 13, "Error listing matches.…"},
		{"ann", "GET /v2/party?query=" + url.QueryEscape("label.x:"), "", 13, "Error listing matches.…"},
		{"ann", "GET /v2/party?cursor=x", "", 3, "Error listing matches.…"},

		{open, "POST /v2/rpc/number", `""`, 16, "Auth token or HTTP key required"},
		{"Basic eDo=", "POST /v2/rpc/number", `""`, 16, "Auth token invalid"},
		{"ann", "GET /v2/group?limit=x", "", 3, `parsing field "limit": …`},
		{"ann", "GET /v2/group?limit=1&limit=2", "", 3, `too many values for field "limit": …`},
		{"dan", "GET /v2/storage/c?limit=0", "", 3, limit},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		var a servertest.Answer
		switch u := users[c.who]; {
		case u != nil:
			a = u.Do(t, method, path, c.body)
		case c.who == key:
			a = srv.Do(t, method, path, servertest.ServerKey, c.body)
		default:
			a = srv.Do(t, method, path, c.who, c.body)
		}
		if a.Code() != c.code || !sameWords(a.Get("message"), c.want) {
			t.Errorf("%s %s %s: %d %s\nwant code %d and %q", c.call, c.body, c.who, a.Status, a.Body, c.code, c.want)
		}
	}
	if a := eve.Do(t, "GET", "/v2/account", ""); a.Status != 401 {
		t.Errorf("the account that is gone: %d %s, want its tokens refused", a.Status, a.Body)
	}

	if _, a := srv.RPC(t, "number", ""); !strings.Contains(a.Get("message"), "Runtime function returned invalid data - only allowed one return value of type string.") {
		t.Errorf("a result that is no text: %s", a.Body)
	}

	must(ann, "POST", own+"/join", "")
	if told := must(ben, "GET", "/v2/notification?limit=10", ""); !strings.Contains(told, `"subject":"User ann wants to join your group"`) {
		t.Errorf("ben was told %s", told)
	}
	must(ben, "POST", own+"/add?user_ids="+dan.ID, "")
	if told := must(dan, "GET", "/v2/notification?limit=10", ""); !strings.Contains(told, `"subject":"You've been added to group bens"`) {
		t.Errorf("dan was told %s", told)
	}
}

func TestWordsOverGRPC(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t)
	ann := srv.User(t, "ann")
	conn, err := grpc.NewClient(srv.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	bearer := "Bearer " + ann.Token
	for _, c := range []struct {
		authorization, method string
		in                    proto.Message
		want                  string
	}{
		{bearer, "ListUserGroups", &api.ListUserGroupsRequest{}, "User ID must be set."},
		{bearer, "JoinGroup", &api.JoinGroupRequest{}, "Group ID must be set."},
		{bearer, "KickGroupUsers", &api.KickGroupUsersRequest{UserIds: []string{ann.ID}}, "Group ID must be set."},
		{bearer, "ListGroups", &api.ListGroupsRequest{Limit: wrapperspb.Int32(0)}, "Invalid limit - limit must be between 1 and 100."},
		{bearer, "ListFriends", &api.ListFriendsRequest{State: wrapperspb.Int32(9)}, "Invalid state - state must be between 0 and 3."},
		{bearer, "WriteStorageObjects", &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{{Collection: "c", Key: "k", Value: "{}", Version: "x"}}}, "Storage write rejected - version check failed."},
		{servertest.ServerKey, "AuthenticateDevice", &api.AuthenticateDeviceRequest{}, "Device ID is required."},
		{"", "RpcFunc", &api.Rpc{Id: "x"}, "Auth token or HTTP key required"},
		{"Basic eDo=", "RpcFunc", &api.Rpc{Id: "x"}, "Auth token invalid"},
		{bearer, "RpcFunc", &api.Rpc{Id: "x", HttpKey: "wrong"}, "RPC function not found"}, // the session decides
	} {
		ctx := t.Context()
		if c.authorization != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", c.authorization)
		}
		err := conn.Invoke(ctx, "/nakama.api.Nakama/"+c.method, c.in, &api.Rpc{})
		if got := status.Convert(err).Message(); !sameWords(got, c.want) {
			t.Errorf("%s %v: %q, want %q", c.method, c.in, got, c.want)
		}
	}
}

func TestWordsOnSockets(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Flags("--matchmaker.max_tickets", "1"))
	ann, ben := srv.User(t, "ann"), srv.User(t, "ben")
	one, two := ann.Socket(t), ben.Socket(t)
	party := func(s *servertest.Socket, body string) string {
		return s.Call(t, "party_create", body).Field("party", "party_id")
	}
	open, full, of := party(one, `{"open":true,"max_size":8}`), party(one, `{"open":true,"max_size":1}`), party(two, `{"open":true,"max_size":4}`)
	closed := party(one, `{"max_size":1}`)
	_ = full
	two.Call(t, "channel_join", `{"type":1,"target":"elsewhere"}`)
	one.Call(t, "channel_join", `{"type":1,"target":"lobby"}`)
	message := `"message_id":"5a1b7d4e-0000-4000-8000-00000000000a"`
	presence := `"presence":{"user_id":"` + ben.ID + `","session_id":"5a1b7d4e-0000-1000-8000-00000000000a","username":"ben"}`
	const (
		target = ": Invalid channel target"
		nobody = "5a1b7d4e-0000-4000-8000-00000000000a"
	)
	one.Call(t, "matchmaker_add", `{"min_count":2,"max_count":2,"query":"*"}`)
	for _, c := range []struct{ kind, body, want string }{
		{"channel_join", `{"type":9,"target":"x"}`, "Invalid channel type"},
		{"channel_join", `{"type":1,"target":"` + strings.Repeat("x", 65) + `"}`, "Channel name is required and must be 1-64 chars" + target},
		{"channel_join", `{"type":1,"target":"a\u0001"}`, "Channel name must not contain control chars" + target},
		{"channel_join", `{"type":2,"target":"x"}`, "Invalid user ID in direct message join" + target},
		{"channel_join", `{"type":2,"target":"` + nobody + `"}`, "User ID not found" + target},
		{"channel_join", `{"type":3,"target":"x"}`, "Invalid group ID in group channel join" + target},
		{"channel_join", `{"type":3,"target":"` + nobody + `"}`, "Group not found" + target},
		{"channel_leave", `{"channel_id":"x"}`, "Invalid channel identifier"},
		{"channel_message_send", `{"channel_id":"x","content":"{}"}`, "Invalid channel identifier"},
		{"channel_message_send", `{"channel_id":"2...elsewhere","content":"{}"}`, "Must join channel before sending messages"},
		{"channel_message_remove", `{"channel_id":"2...elsewhere",` + message + `}`, "Must join channel before removing messages"},
		{"channel_message_update", `{"channel_id":"2...lobby","message_id":"x","content":"{}"}`, "Invalid message identifier"},
		{"channel_message_update", `{"channel_id":"2...lobby",` + message + `,"content":"{}"}`, "Could not find message to update in channel history"},
		{"channel_message_remove", `{"channel_id":"2...lobby",` + message + `}`, "Could not find message to remove in channel history"},
		{"channel_message_send", `{"channel_id":"2...lobby","content":"{\"a\":\"\\u0000\"}"}`, "Could not persist message to channel history…"},
		{"match_join", `{}`, "No match ID or token found"},
		{"match_join", `{"token":"x"}`, "Invalid match token"},
		{"party_create", `{"max_size":257}`, "Invalid party max size, must be 1-256"},
		{"party_create", `{"max_size":2,"label":"x"}`, "Error creating party: failed to unmarshal party label: …"},
		{"party_update", `{"party_id":"` + open + `","label":"x"}`, "Error updating party: failed to unmarshal party label: …"},
		{"party_matchmaker_remove", `{"party_id":"` + open + `","ticket":"x"}`, "Error closing party: matchmaker ticket not found"},
		{"party_matchmaker_remove", `{"party_id":"` + of + `","ticket":"x"}`, "Error closing party: party leader only"},
		{"party_matchmaker_remove", `{"party_id":"` + nobody + `.nakama","ticket":"x"}`, "Error closing party: party not found"},
		{"party_accept", `{"party_id":"` + closed + `",` + presence + `}`, "Error accepting party join request: party join request not found"},
		{"status_update", `{"status":"` + strings.Repeat("x", 2049) + `"}`, "Status must be 2048 characters or less"},
		{"status_follow", `{"usernames":[""]}`, "Invalid username"},
		{"matchmaker_add", `{"min_count":2,"max_count":2,"query":"a:"}`, "Error adding to matchmaker…"},
		{"matchmaker_add", `{"min_count":2,"max_count":2,"query":"*"}`, "Error adding to matchmaker…"},
	} {
		if got := one.Call(t, c.kind, c.body).Field("error", "message"); !sameWords(got, c.want) {
			t.Errorf("%s %s: %q, want %q", c.kind, c.body, got, c.want)
		}
	}

	// A request that finds the party full once it is to be accepted.
	small := party(one, `{"max_size":2}`)
	cid := srv.User(t, "cid").Socket(t)
	two.Call(t, "party_join", `{"party_id":"`+small+`"}`)
	cid.Call(t, "party_join", `{"party_id":"`+small+`"}`)
	var last string
	for range 2 {
		asked := one.Expect(t, "party_join_request")
		var request struct {
			Presences []json.RawMessage
		}
		_ = json.Unmarshal(asked["party_join_request"], &request)
		last = one.Call(t, "party_accept", `{"party_id":"`+small+`","presence":`+string(request.Presences[0])+`}`).Field("error", "message")
	}
	if last != "Error accepting party join request: party full" {
		t.Errorf("accepting one too many: %q", last)
	}
}
