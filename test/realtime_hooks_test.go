package test

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"kumi/hooks"
	"kumi/server/servertest"
)

func snakeOf(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// hookAll registers hooks on every realtime message. body says what a before
// hook does with its envelope, of which it may read the field of its kind as
// inner.
func hookAll(language, before string) servertest.Option {
	if language == "go" {
		return servertest.Flags("--runtime.env", "rthooks="+before) // see goRealtimeHooks
	}
	names, _ := json.Marshal(hooks.RealtimeNames)
	if language == "javascript" {
		return servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				const note = (nk, when, name, there) => nk.localcachePut(when + name, (nk.localcacheGet(when + name) || 0) + (there ? 1 : 0));
				for (const name of `+string(names)+`) {
					const key = name[0].toLowerCase() + name.slice(1);
					initializer.registerRtBefore(name, (ctx, logger, nk, envelope) => {
						const inner = envelope[key];
						note(nk, "before ", name, inner !== undefined);
						`+before+`
					});
					initializer.registerRtAfter(name, (ctx, logger, nk, out, envelope) => note(nk, "after ", name, envelope[key] !== undefined));
				}
				initializer.registerRpc("seen", (ctx, logger, nk, key) => String(nk.localcacheGet(key) || 0));
			}`)
	}
	list := strings.NewReplacer("[", "{", "]", "}").Replace(string(names))
	return servertest.Module("main.lua", `
		local nk = require("nakama")
		local function note(when, name, there)
			nk.localcache_put(when .. name, (nk.localcache_get(when .. name) or 0) + (there and 1 or 0))
		end
		for _, name in ipairs(`+list+`) do
			local key = name:gsub("(%u)", "_%1"):sub(2):lower()
			nk.register_rt_before(function(ctx, envelope)
				local inner = envelope[key]
				note("before ", name, inner ~= nil)
				`+before+`
			end, name)
			nk.register_rt_after(function(ctx, out, envelope) note("after ", name, envelope[key] ~= nil) end, name)
		end
		nk.register_rpc(function(ctx, key) return tostring(nk.localcache_get(key) or 0) end, "seen")`)
}

// Every realtime message runs its before hook and, if it succeeded, its after hook.
func TestRealtimeHooks(t *testing.T) {
	t.Parallel()
	for language, pass := range map[string]string{"javascript": "return envelope;", "lua": "return envelope", "go": "pass"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, hookAll(language, pass))
			all := players(t, srv, "ann", "ben")
			ann, ben := all[0], all[1]
			sent := map[string]int{}
			// call sends a message that must succeed.
			call := func(s *servertest.Socket, name, body string) servertest.Envelope {
				t.Helper()
				sent[name]++
				e := s.Call(t, snakeOf(name), body)
				if e["error"] != nil {
					t.Fatalf("%s: %s", name, e)
				}
				// The answer is what its after hook is said to get.
				kind := ""
				for field := range e {
					if field != "cid" {
						kind = field
					}
				}
				if want, _ := (protojson.MarshalOptions{UseProtoNames: true}).Marshal(hooks.Reply(name)); kind != "" && !strings.Contains(string(want), `"`+kind+`"`) || kind == "" && string(want) != "{}" {
					t.Errorf("%s is answered with %s, not %s", name, e, want)
				}
				return e
			}

			call(ann, "Ping", `{}`)
			sent["Pong"]++
			ann.Send(t, `{"pong":{}}`)
			call(ann, "StatusFollow", `{"usernames":["ben"]}`)
			call(ann, "StatusUnfollow", `{}`)
			call(ann, "StatusUpdate", `{"status":"x"}`)

			room := `{"channel_id":"` + call(ann, "ChannelJoin", `{"target":"lobby","type":1}`).Field("channel", "id") + `"`
			message := call(ann, "ChannelMessageSend", room+`,"content":"{\"a\":1}"}`).Field("channel_message_ack", "message_id")
			call(ann, "ChannelMessageUpdate", room+`,"message_id":"`+message+`","content":"{\"a\":2}"}`)
			call(ann, "ChannelMessageRemove", room+`,"message_id":"`+message+`"}`)
			call(ann, "ChannelLeave", room+`}`)

			match := `{"match_id":"` + call(ann, "MatchCreate", `{}`).Field("match", "match_id") + `"`
			call(ann, "MatchJoin", match+`}`)
			sent["MatchDataSend"]++
			ann.Send(t, `{"match_data_send":`+match+`,"op_code":"1"}}`)
			call(ann, "MatchLeave", match+`}`)

			ticket := call(ann, "MatchmakerAdd", `{"min_count":2,"max_count":2}`).Field("matchmaker_ticket", "ticket")
			call(ann, "MatchmakerRemove", `{"ticket":"`+ticket+`"}`)

			made := decode[party](t, call(ann, "PartyCreate", `{"max_size":4}`), "party")
			id := made.PartyID
			call(ben, "PartyJoin", with(id))
			asked := decode[struct{ Presences []json.RawMessage }](t, call(ann, "PartyJoinRequestList", with(id)), "party_join_request")
			asBen := `"presence":` + string(asked.Presences[0])
			call(ann, "PartyAccept", with(id, asBen))
			call(ann, "PartyPromote", with(id, `"presence":`+string(made.Self)))
			call(ann, "PartyUpdate", with(id, `"open":true`))
			call(ann, "PartyDataSend", with(id, `"op_code":"1"`))
			ticket = call(ann, "PartyMatchmakerAdd", with(id, `"min_count":3,"max_count":3`)).Field("party_matchmaker_ticket", "ticket")
			call(ann, "PartyMatchmakerRemove", with(id, `"ticket":"`+ticket+`"`))
			call(ann, "PartyRemove", with(id, asBen))
			call(ben, "PartyLeave", with(id))
			call(ann, "PartyClose", with(id))

			for _, name := range hooks.RealtimeNames {
				if sent[name] == 0 {
					t.Errorf("%s was not sent", name)
				}
			}
			// After hooks of a session have run before its next message.
			ann.Call(t, "rpc", `{"id":"seen"}`)
			ben.Call(t, "rpc", `{"id":"seen"}`)
			for name, n := range sent {
				for _, when := range []string{"before ", "after "} {
					want := string(rune('0' + n))
					if got, a := srv.RPC(t, "seen", when+name); strings.TrimSuffix(got, ".0") != want {
						t.Errorf("%s%s ran %q times, want %s %s", when, name, got, want, a.Body)
					}
				}
			}

			// A message that fails has no after hook.
			refused(t, "close a party that is gone", ann.Call(t, "party_close", with(id)), 3, "not found")
			ann.Call(t, "rpc", `{"id":"seen"}`)
			if got, _ := srv.RPC(t, "seen", "after PartyClose"); strings.TrimSuffix(got, ".0") != "1" {
				t.Errorf("the after hook of a failed message ran: %s", got)
			}
		})
	}
}

// A before hook rejects a message with an error, or by returning nothing.
func TestRealtimeHooksReject(t *testing.T) {
	t.Parallel()
	for language, how := range map[string][2]string{
		"javascript": {`throw { message: "not " + name, code: 7 };`, `return null;`},
		"lua":        {`error({ "not " .. name, 7 })`, `return nil`},
		"go":         {"coded", "nothing"},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			coded := servertest.Start(t, hookAll(language, how[0]))
			s := coded.User(t, "ann").Socket(t)
			for _, name := range hooks.RealtimeNames {
				refused(t, name, s.Call(t, snakeOf(name), `{}`), 7, "not "+name)
			}
			silent := servertest.Start(t, hookAll(language, how[1]))
			user := silent.User(t, "ann")
			for _, name := range hooks.RealtimeNames {
				s := user.Socket(t)
				refused(t, name, s.Call(t, snakeOf(name), `{}`), 1, "")
				s.Closed(t)
			}
			if got, a := silent.RPC(t, "seen", "after PartyCreate"); got != "0" {
				t.Errorf("the after hook of a rejected message ran: %s", a.Body)
			}
		})
	}
}

// The server handles the message as the before hook has changed it.
func TestRealtimeHooksRewrite(t *testing.T) {
	t.Parallel()
	for language, rewrite := range map[string]string{
		"javascript": `
			if (name === "PartyCreate") { inner.open = true; inner.maxSize = 7; inner.label = '{"by":"hook"}'; }
			if (name === "StatusUpdate") inner.status = "changed";
			if (name === "MatchmakerAdd") { inner.minCount = 2; inner.maxCount = 4; inner.countMultiple = 2; inner.stringProperties = { a: "b" }; }
			return envelope;`,
		"lua": `
			if name == "PartyCreate" then inner.open = true; inner.max_size = 7; inner.label = '{"by":"hook"}' end
			if name == "StatusUpdate" then inner.status = "changed" end
			if name == "MatchmakerAdd" then inner.min_count = 2; inner.max_count = 4; inner.count_multiple = 2; inner.string_properties = { a = "b" } end
			return envelope`,
		"go": "rewrite",
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, hookAll(language, rewrite))
			s := srv.User(t, "ann").Socket(t)
			if p := decode[party](t, s.Call(t, "party_create", `{"max_size":2}`), "party"); !p.Open || p.MaxSize != 7 || p.Label != `{"by":"hook"}` {
				t.Errorf("created %+v", p)
			}
			s.Call(t, "status_update", `{"status":"mine"}`)
			if e := decode[statusEvent](t, s.Expect(t, "status_presence_event"), "status_presence_event"); *e.Joins[0].Status != "changed" {
				t.Errorf("status %+v", e)
			}
			addTicket(t, s, `{}`)
		})
	}
}
