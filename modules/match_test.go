package modules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

var duels = map[string]string{"javascript": "duel_js", "lua": "duel", "go": "duel_go"}

func duelServer(t *testing.T) *testServer {
	return newTestServer(t, map[string]string{
		"index.js": duelJS + "function InitModule(ctx, logger, nk, initializer) { initializer.registerMatch('duel_js', duel) }",
		"duel.lua": duelLua,
	})
}

func (s *session) joiner() *match.Joiner {
	return &match.Joiner{
		Presence: presence.Presence{ID: presence.ID{Node: testNode, Session: s.id}, UserID: s.user, Meta: presence.Meta{Username: s.name}},
		Vars:     map[string]string{"v": "var"}, SessionExpiry: 1700000000, ClientIP: "10.0.0.1", ClientPort: "99", Lang: "en",
	}
}

func (w *testServer) join(t *testing.T, s *session, id string, metadata map[string]string) error {
	t.Helper()
	_, err := w.matches.Join(t.Context(), match.JoinRequest{ID: id, Joiner: s.joiner(), Metadata: metadata})
	return err
}

func (w *testServer) send(t *testing.T, s *session, id string, op int64, data string) {
	t.Helper()
	if err := w.matches.Data(s.id, &match.DataSend{ID: id, OpCode: op, Data: []byte(data), Reliable: true}); err != nil {
		t.Fatal(err)
	}
}

// gone waits until a match has ended.
func (w *testServer) gone(t *testing.T, id string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		m, err := w.matches.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the match did not end")
		}
		pause()
	}
}

// pause gives other goroutines a moment within a polling loop.
func pause() { <-time.After(time.Millisecond) }

// b64 is how data looks in a JSON envelope.
func b64(text string) string {
	b, _ := json.Marshal([]byte(text))
	return string(b)
}

func eachDuel(t *testing.T, test func(t *testing.T, w *testServer, lang, name string)) {
	t.Parallel()
	w := duelServer(t)
	for lang, name := range duels {
		t.Run(lang, func(t *testing.T) { test(t, w, lang, name) })
	}
}

func (w *testServer) create(t *testing.T, name string, params map[string]any) string {
	t.Helper()
	id, err := w.matches.Create(t.Context(), name, params)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestMatchCalls(t *testing.T) {
	eachDuel(t, func(t *testing.T, w *testServer, lang, name string) {
		a, b := w.connect(t, "a_"+lang), w.connect(t, "b_"+lang)
		id := w.create(t, name, map[string]any{"label": "start"})

		reply, err := w.matches.Signal(t.Context(), id, "ctx")
		if err != nil {
			t.Fatal(err)
		}
		wantJSON(t, "ctx", reply, fmt.Sprintf(`["match",%q,%q,"start",30,"fine","kept",null,null]`, id, testNode))

		if err := w.join(t, a, id, nil); err != nil {
			t.Fatal(err)
		}
		a.wait(t, `"op_code":"1"`, b64(`["a_`+lang+`",0,"`+testNode+`"]`))
		reply, err = w.matches.Signal(t.Context(), id, "who")
		if err != nil {
			t.Fatal(err)
		}
		wantJSON(t, "join attempt's ctx", reply, fmt.Sprintf(`[true,"a_%s","var",1700000000,true,"10.0.0.1","99","kept",null]`, lang))

		var rejected *match.Rejected
		if err := w.join(t, b, id, map[string]string{"how": "deny"}); !errors.As(err, &rejected) || rejected.Reason != "not today" {
			t.Errorf("a refused join gave %v, want the handler's reason", err)
		}
		if err := w.join(t, b, id, nil); err != nil {
			t.Fatal(err)
		}
		a.wait(t, `"op_code":"1"`, b64(`["b_`+lang+`",0,"`+testNode+`"]`))

		w.send(t, a, id, 10, "echo")
		a.wait(t, `"op_code":"10"`, b64("echo"), `"username":"a_`+lang+`"`, a.user.String())
		w.send(t, a, id, 11, "later")
		b.wait(t, `"op_code":"11"`, b64("later1"))
		w.send(t, a, id, 11, "later")
		b.wait(t, `"op_code":"11"`, b64("later2"))
		w.send(t, b, id, 17, "")
		a.wait(t, `"op_code":"17"`, b64(`[null,true,true,"b_`+lang+`",true]`))

		w.send(t, a, id, 13, "changed")
		deadline := time.Now().Add(10 * time.Second)
		for {
			if reply, err = w.matches.Signal(t.Context(), id, "ctx"); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(reply, `"changed"`) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("ctx is %s long after the label has changed", reply)
			}
			pause()
		}

		w.send(t, b, id, 12, "")
		a.wait(t, `"op_code":"2"`, b64(`["b_`+lang+`",3]`))
		if err := w.matches.Leave(a.id, id); err != nil {
			t.Fatal(err)
		}
		if m, err := w.matches.Get(t.Context(), id); err != nil || m.GetLabel().GetValue() != "changed" {
			t.Errorf("got %v, %v, want the match with the label that was set", m, err)
		}
	})
}

// A nil state ends a match quietly: sockets stay open.
func TestMatchEndsQuietly(t *testing.T) {
	eachDuel(t, func(t *testing.T, w *testServer, lang, name string) {
		for _, how := range []string{"loop", "signal", "join"} {
			t.Run(how, func(t *testing.T) {
				s := w.connect(t, "quiet_"+lang+how)
				id := w.create(t, name, nil)
				if err := w.join(t, s, id, nil); err != nil {
					t.Fatal(err)
				}
				switch how {
				case "loop":
					w.send(t, s, id, 14, "")
				case "signal":
					if _, err := w.matches.Signal(t.Context(), id, "quiet"); err != nil {
						t.Errorf("a signal that ended the match was not answered: %v", err)
					}
				case "join":
					if err := w.join(t, w.connect(t, "late_"+lang), id, map[string]string{"how": "quiet"}); err == nil {
						t.Error("a join that ended the match was accepted")
					}
				}
				w.gone(t, id)
				select {
				case why := <-s.closed:
					t.Errorf("the socket was closed: %s", why)
				default:
				}
			})
		}
	})
}

// An error or a wrong result ends a match and the sockets of who was in it.
func TestMatchFails(t *testing.T) {
	eachDuel(t, func(t *testing.T, w *testServer, lang, name string) {
		cases := map[string]string{"loop throws": "loop broke", "signal throws": "signal broke", "join throws": "join broke"}
		if lang != "go" { // where the compiler sees to the shape
			cases["loop shape"], cases["signal shape"], cases["join shape"] = "", "", ""
			cases["presence"] = "valid identifier"
		}
		for how, said := range cases {
			t.Run(how, func(t *testing.T) {
				s := w.connect(t, "fails_"+lang+strings.ReplaceAll(how, " ", ""))
				id := w.create(t, name, nil)
				if err := w.join(t, s, id, nil); err != nil {
					t.Fatal(err)
				}
				switch how {
				case "loop throws":
					w.send(t, s, id, 15, "")
				case "loop shape":
					w.send(t, s, id, 16, "")
				case "presence":
					w.send(t, s, id, 18, "")
				case "signal throws", "signal shape":
					if _, err := w.matches.Signal(t.Context(), id, strings.Replace(strings.Fields(how)[1], "throws", "throw", 1)); err == nil {
						t.Error("a signal that broke the match was answered")
					}
				case "join throws", "join shape":
					if err := w.join(t, w.connect(t, "late_"+lang), id, map[string]string{"how": strings.Replace(strings.Fields(how)[1], "throws", "throw", 1)}); err == nil {
						t.Error("a join that broke the match was accepted")
					}
				}
				w.gone(t, id)
				select {
				case <-s.closed:
				case <-time.After(10 * time.Second):
					t.Error("the socket is still open after the match has failed")
				}
				if said != "" && len(w.log.Lines(said, id)) == 0 {
					t.Errorf("no log line tells of match %s that %q", id, said)
				}
			})
		}
	})
}

func TestMatchInitErrors(t *testing.T) {
	eachDuel(t, func(t *testing.T, w *testServer, lang, name string) {
		for mode, want := range map[string]string{
			"nil": "must not be nil", "rate": "60", "throw": "init broke",
			"no rate": "whole number from 1 to 60", "label": "expected a string", "shape": "returned",
		} {
			if lang == "go" && (mode == "no rate" || mode == "label" || mode == "shape") {
				continue
			}
			before := w.matches.Count()
			_, err := w.matches.Create(t.Context(), name, map[string]any{"mode": mode})
			if err == nil || (!strings.Contains(err.Error(), want) && len(w.log.Lines(want)) == 0) {
				t.Errorf("mode %q: got the error %v, want it to say %q", mode, err, want)
			}
			if after := w.matches.Count(); after > before {
				t.Errorf("mode %q: there are %d matches, were %d", mode, after, before)
			}
		}
	})
}

func TestMatchTerminate(t *testing.T) {
	t.Parallel()
	for lang, name := range duels {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			w := duelServer(t)
			s := w.connect(t, "term_"+lang)
			id := w.create(t, name, map[string]any{"mode": "terminate"})
			if err := w.join(t, s, id, nil); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			w.matches.Stop(ctx, 10)
			s.wait(t, `"op_code":"3"`, b64("grace 10"))
			w.gone(t, id)
			select {
			case why := <-s.closed:
				t.Errorf("the socket was closed: %s", why)
			default:
			}
		})
	}
}

// A match whose script never returns ends; the others go on.
func TestMatchSpins(t *testing.T) {
	t.Parallel()
	w := emptyTestServer(t, map[string]string{
		"index.js": duelJS + "function InitModule(ctx, logger, nk, initializer) { initializer.registerMatch('duel_js', duel) }",
		"duel.lua": duelLua,
	})
	w.options.TickTimeout = 100 * time.Millisecond
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"duel_js", "duel"} {
		id, other := w.create(t, name, nil), w.create(t, name, nil)
		if _, err := w.matches.Signal(t.Context(), id, "spin"); err == nil {
			t.Errorf("%s: a signal handler that never returns gave an answer", name)
		}
		w.gone(t, id)
		if _, err := w.matches.Signal(t.Context(), other, "ctx"); err != nil {
			t.Errorf("%s: another match stopped answering: %v", name, err)
		}
	}
}

func TestMatchHandlerIncomplete(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{"half.lua": "return {match_init = function() return {}, 1, '' end}"})
	_, err := w.matches.Create(t.Context(), "half", nil)
	if err == nil || !strings.Contains(err.Error(), "match_join_attempt not found or not a function") {
		t.Errorf("got %v, want an error that names the missing function", err)
	}
	w = emptyTestServer(t, map[string]string{"index.js": `function InitModule(ctx, logger, nk, initializer) { initializer.registerMatch("half", {matchInit: function () {}}) }`})
	if err := w.load(); err == nil || !strings.Contains(err.Error(), "matchJoinAttempt") {
		t.Errorf("got %v, want an error that names the missing function", err)
	}
}

// Modules make matches while they load, also of handlers they just registered.
func TestMatchWhileLoading(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{
		"index.js": duelJS + `function InitModule(ctx, logger, nk, initializer) {
			nk.storageWrite([{collection: "c", key: "k", value: {n: 1}}]);
			initializer.registerMatch('duel_js', duel);
			const own = nk.matchCreate('duel_js', {label: "own"}), lua = nk.matchCreate("duel", {label: "lua"}), go = nk.matchCreate("duel_go", {label: "go"});
			initializer.registerRpc("made", () => JSON.stringify([own, lua, go].map((id) => nk.matchGet(id).label)));
		}`,
		"duel.lua": duelLua,
		"early.lua": `local nk = require("nakama")
			local id = nk.match_create("duel", {label = "early"})
			nk.register_rpc(function () return nk.match_get(id).label end, "early")`,
	})
	if n := w.matches.Count(); n != 4 {
		t.Errorf("there are %d matches, want the 4 that the modules made once", n)
	}
	got, err := w.call(t, "made", "")
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, "matches made by InitModule", got, `["own","lua","go"]`)
	if got, err := w.call(t, "early", ""); err != nil || got != "early" {
		t.Errorf("got %q, %v, want the match that the Lua module made", got, err)
	}
	if _, err := w.call(t, "made", ""); fault.CodeOf(err) != fault.OK {
		t.Error(err)
	}
}
