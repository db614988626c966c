package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/presence"
	"kumi/server/servertest"
	"kumi/store/fault"
)

// Two servers on one database behave as one: for sockets of both formats, a player on one
// sees and hears those on the other.
func TestClusterPresences(t *testing.T) {
	t.Parallel()
	nodes := servertest.Cluster(t, 2)
	for _, format := range []presence.Format{presence.JSON, presence.Protobuf} {
		t.Run(format.String(), func(t *testing.T) {
			t.Parallel()
			ann, ben := nodes[0].User(t, "ann"+format.String()), nodes[1].User(t, "ben"+format.String())
			a, b := ann.SocketOf(t, format), ben.SocketOf(t, format)
			ok := func(e servertest.Envelope) servertest.Envelope {
				t.Helper()
				if e["error"] != nil {
					t.Fatalf("refused: %s", e["error"])
				}
				return e
			}
			holds := func(what string, in json.RawMessage, parts ...string) {
				t.Helper()
				for _, part := range parts {
					if !strings.Contains(string(in), part) {
						t.Errorf("%s: %s has no %s", what, in, part)
					}
				}
			}

			// until waits for an event that a user has joined or left; others may be in it too.
			until := func(on *servertest.Socket, kind, change, user string) {
				t.Helper()
				for {
					var e map[string]json.RawMessage
					_ = json.Unmarshal(on.Expect(t, kind)[kind], &e)
					if strings.Contains(string(e[change]), user) {
						return
					}
				}
			}

			// Status.
			ok(b.Call(t, "status_follow", `{"user_ids":["`+ann.ID+`"]}`))
			ok(a.Call(t, "status_update", `{"status":"here"}`))
			holds("status", b.Expect(t, "status_presence_event")["status_presence_event"], `"joins":[{"user_id":"`+ann.ID, `"status":"here"`)
			if got := ok(b.Call(t, "status_follow", `{"user_ids":["`+ann.ID+`"]}`)); !strings.Contains(string(got["status"]), ann.Username) {
				t.Errorf("following again shows %s", got["status"])
			}

			// Online friends.
			for _, who := range []struct {
				u  *servertest.User
				id string
			}{{ann, ben.ID}, {ben, ann.ID}} {
				if r := who.u.Do(t, http.MethodPost, "/v2/friend?ids="+who.id, ""); r.Status != http.StatusOK {
					t.Fatalf("add friend: %s", r.Body)
				}
			}
			if r := ben.Do(t, http.MethodGet, "/v2/friend", ""); !strings.Contains(r.Body, `"online":true`) {
				t.Errorf("ben's friends: %s, want ann online", r.Body)
			}

			// Notifications: that of the invitation, and of ben's consent.
			holds("notification", a.Expect(t, "notifications")["notifications"], `"sender_id":"`+ben.ID)

			// Chat.
			room := `{"type":1,"target":"lobby` + format.String() + `"}`
			channel := ok(a.Call(t, "channel_join", room)).Field("channel", "id")
			joins := 0
			servertest.Eventually(t, "ben's node knows that ann is in the room", func() bool {
				joins++
				joined := ok(b.Call(t, "channel_join", room))
				if strings.Contains(string(joined["channel"]), ann.Username) {
					return true
				}
				ok(b.Call(t, "channel_leave", `{"channel_id":"`+channel+`"}`))
				return false
			})
			for range joins { // until the last one, ann's node may not know where ben is
				until(a, "channel_presence_event", "joins", ben.ID)
			}
			ok(a.Call(t, "channel_message_send", `{"channel_id":"`+channel+`","content":"{\"hello\":1}"}`))
			holds("message", b.Expect(t, "channel_message")["channel_message"], `hello`, ann.Username)
			ok(b.Call(t, "channel_message_send", `{"channel_id":"`+channel+`","content":"{\"again\":1}"}`))
			a.Expect(t, "channel_message") // of its own
			holds("message", a.Expect(t, "channel_message")["channel_message"], `again`, ben.Username)

			// A relayed match.
			match := ok(a.Call(t, "match_create", `{}`)).Field("match", "match_id")
			joined := ok(b.Call(t, "match_join", `{"match_id":"`+match+`"}`))
			holds("match", joined["match"], ann.Username, `"size":1`)
			until(a, "match_presence_event", "joins", ben.ID)
			b.Send(t, `{"match_data_send":{"match_id":"`+match+`","op_code":"7","data":"aGk=","reliable":true}}`)
			holds("data", a.Expect(t, "match_data")["match_data"], `"op_code":"7"`, `"data":"aGk="`, ben.Username)
			b.Close()
			until(a, "match_presence_event", "leaves", ben.ID)
		})
	}
}

// far is the same module in each language. The RPC "far" does to a session of another node
// what the functions for one session do, and returns what they said.
var far = map[string][]servertest.Option{
	"javascript": {servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			const on = { mode: 20, label: "far" };
			initializer.registerRpc("far", (ctx, logger, nk, payload) => {
				const p = JSON.parse(payload), said = [];
				said.push(nk.streamUserJoin(p.user, p.session, on, false, true, "one"));
				said.push(nk.streamUserJoin(p.user, p.session, on, false, true, "one"));
				nk.streamUserUpdate(p.user, p.session, on, false, true, "two");
				try { nk.streamUserJoin(ctx.userId, p.session, on, false, false, ""); } catch (e) { said.push(e.message, e.code); }
				try { nk.streamUserJoin(p.user, p.none, on, false, false, ""); } catch (e) { said.push(e.message, e.code); }
				return JSON.stringify(said);
			});
			initializer.registerRpc("list", (ctx, logger, nk) => {
				return nk.streamUserList(on).map((p) => p.status + " " + p.nodeId).join();
			});
			initializer.registerRpc("send", (ctx, logger, nk) => { nk.streamSend(on, "hello"); });
			initializer.registerRpc("kick", (ctx, logger, nk) => { nk.streamUserKick(nk.streamUserList(on)[0], on); });
			initializer.registerRpc("leave", (ctx, logger, nk, payload) => { const p = JSON.parse(payload); nk.streamUserLeave(p.user, p.session, on); });
			initializer.registerRpc("end", (ctx, logger, nk, payload) => { nk.sessionDisconnect(JSON.parse(payload).session); });
			initializer.registerRpc("session", (ctx) => ctx.sessionId);
		}`)},
	"lua": {servertest.Module("far.lua", `
		local nk = require("nakama")
		local on = { mode = 20, label = "far" }
		nk.register_rpc(function(ctx, payload)
			local p, said = nk.json_decode(payload), {}
			table.insert(said, nk.stream_user_join(p.user, p.session, on, false, true, "one"))
			table.insert(said, nk.stream_user_join(p.user, p.session, on, false, true, "one"))
			nk.stream_user_update(p.user, p.session, on, false, true, "two")
			for _, who in ipairs({ { ctx.user_id, p.session }, { p.user, p.none } }) do
				local _, e = pcall(nk.stream_user_join, who[1], who[2], on, false, false, "")
				table.insert(said, (tostring(e):gsub("^.-: ", "")))
				table.insert(said, 5)
			end
			return nk.json_encode(said)
		end, "far")
		nk.register_rpc(function()
			local all = {}
			for _, p in ipairs(nk.stream_user_list(on)) do table.insert(all, p.status .. " " .. p.node) end
			return table.concat(all, ",")
		end, "list")
		nk.register_rpc(function() nk.stream_send(on, "hello") end, "send")
		nk.register_rpc(function() nk.stream_user_kick(nk.stream_user_list(on)[1], on) end, "kick")
		nk.register_rpc(function(ctx, payload) local p = nk.json_decode(payload) nk.stream_user_leave(p.user, p.session, on) end, "leave")
		nk.register_rpc(function(ctx, payload) nk.session_disconnect(nk.json_decode(payload).session) end, "end")
		nk.register_rpc(function(ctx) return ctx.session_id end, "session")`)},
	"go": {servertest.Flags("--runtime.env", "far=go")},
}

func init() { golang.Register("far", goFar) }

func goFar(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["far"] != "go" {
		return nil
	}
	type who struct{ User, Session, None string }
	rpc := func(id string, f func(ctx context.Context, nk runtime.NakamaModule, p who) (any, error)) error {
		return initializer.RegisterRpc(id, func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
			var p who
			_ = json.Unmarshal([]byte(payload), &p)
			out, err := f(ctx, nk, p)
			if text, ok := out.(string); ok || err != nil {
				return text, err
			}
			text, err := json.Marshal(out)
			return string(text), err
		})
	}
	const label = "far"
	return errors.Join(
		rpc("far", func(ctx context.Context, nk runtime.NakamaModule, p who) (any, error) {
			first, err1 := nk.StreamUserJoin(20, "", "", label, p.User, p.Session, false, true, "one")
			second, err2 := nk.StreamUserJoin(20, "", "", label, p.User, p.Session, false, true, "one")
			err3 := nk.StreamUserUpdate(20, "", "", label, p.User, p.Session, false, true, "two")
			self, _ := ctx.Value(runtime.RUNTIME_CTX_USER_ID).(string)
			_, another := nk.StreamUserJoin(20, "", "", label, self, p.Session, false, false, "")
			_, none := nk.StreamUserJoin(20, "", "", label, p.User, p.None, false, false, "")
			return []any{first, second, another.Error(), fault.CodeOf(another), none.Error(), fault.CodeOf(none)}, errors.Join(err1, err2, err3)
		}),
		rpc("list", func(_ context.Context, nk runtime.NakamaModule, _ who) (any, error) {
			all, err := nk.StreamUserList(20, "", "", label, true, true)
			var list []string
			for _, p := range all {
				list = append(list, p.GetStatus()+" "+p.GetNodeId())
			}
			return strings.Join(list, ","), err
		}),
		rpc("send", func(_ context.Context, nk runtime.NakamaModule, _ who) (any, error) {
			return "", nk.StreamSend(20, "", "", label, "hello", nil, true)
		}),
		rpc("kick", func(_ context.Context, nk runtime.NakamaModule, _ who) (any, error) {
			all, err := nk.StreamUserList(20, "", "", label, true, true)
			if err != nil {
				return "", err
			}
			return "", nk.StreamUserKick(20, "", "", label, all[0])
		}),
		rpc("leave", func(_ context.Context, nk runtime.NakamaModule, p who) (any, error) {
			return "", nk.StreamUserLeave(20, "", "", label, p.User, p.Session)
		}),
		rpc("end", func(ctx context.Context, nk runtime.NakamaModule, p who) (any, error) {
			return "", nk.SessionDisconnect(ctx, p.Session)
		}),
		rpc("session", func(ctx context.Context, _ runtime.NakamaModule, _ who) (any, error) {
			id, _ := ctx.Value(runtime.RUNTIME_CTX_SESSION_ID).(string)
			return id, nil
		}),
	)
}

// Module code does to a session of another node what it does to one of its own.
func TestClusterSessionFunctions(t *testing.T) {
	t.Parallel()
	for language, options := range far {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			nodes := servertest.Cluster(t, 2, options...)
			ann, ben := nodes[0].User(t, "ann"), nodes[1].User(t, "ben")
			b := ben.Socket(t)
			session := b.Call(t, "rpc", `{"id":"session"}`).Field("rpc", "payload")
			who := fmt.Sprintf(`{"user":%q,"session":%q,"none":"00000000-0000-1000-8000-000000000001"}`, ben.ID, session)
			call := func(id string) string {
				t.Helper()
				out, r := ann.RPC(t, id, who)
				if r.Status != http.StatusOK {
					t.Fatalf("%s: %d %s", id, r.Status, r.Body)
				}
				return out
			}
			if got, want := call("far"), `[true,false,"session not found",5,"node not found",5]`; got != want {
				t.Errorf("the functions said %s, want %s", got, want)
			}
			lists := func(want string) {
				t.Helper()
				servertest.Eventually(t, "the stream has "+want, func() bool { return call("list") == want })
			}
			lists("two b")
			call("send")
			if d := b.Expect(t, "stream_data").Field("stream_data", "data"); d != "hello" {
				t.Errorf("ben got %q", d)
			}
			call("kick")
			lists("")
			call("far")
			lists("two b")
			call("leave")
			lists("")
			call("end")
			b.Closed(t)
		})
	}
}
