package modules

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"
	"pgregory.net/rapid"

	"kumi/match"
	"kumi/modules/golang"
	"kumi/server/game"
)

// keptGame is a match with a state that is no plain data, whose functions for snapshots use
// all that must be recorded.
var keptGame = map[string]string{
	"javascript": `
class Unit { constructor(public n: number) {} add(x: number) { this.n += x; return this.n; } }
const luck = Math.random();
const InitModule: any = (ctx, logger, nk, initializer) => initializer.registerMatch("kept", {
	matchInit: (ctx, logger, nk, params) => ({ state: { luck, unit: new Unit(1), log: [], joins: 0 }, tickRate: 10, label: "new" }),
	matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: Math.random() < 0.9 }),
	matchJoin(ctx, logger, nk, d, tick, state, ps) { state.joins += ps.length; return { state }; },
	matchLeave(ctx, logger, nk, d, tick, state, ps) { state.log.push("left " + ps.map(p => p.username + p.userId)); return { state }; },
	matchLoop(ctx, logger, nk, d, tick, state, messages) {
		for (const m of messages) { if (m.opCode === 9) d.matchKick([m.sender]); state.unit.add(m.opCode); state.log.push(Math.random(), nk.binaryToString(m.data), Date.now()); }
		d.broadcastMessage(1, tick + " " + state.unit.n + " " + Math.random() + ctx.matchLabel);
		state.log = state.log.slice(-20);
		return { state };
	},
	matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
	matchSignal: (ctx, logger, nk, d, tick, state, data) => ({ state, data: data + nk.uuidv4() }),
	matchSnapshot(ctx, logger, nk, d, tick, state) {
		if (tick % 7 === 6) throw new Error("not at " + tick);
		d.matchLabelUpdate("snapshot at " + tick + " " + Math.random());
		d.broadcastMessageDeferred(8, "kept");
		return { state: { ...state, unit: state.unit.n, at: Date.now(), id: nk.uuidv4() } };
	},
	matchRestore(ctx, logger, nk, d, tick, state) {
		return { state: { ...state, unit: new Unit(state.unit + Math.floor(Math.random() * 10)), restored: [nk.uuidv4(), Date.now(), nk.storageList(null, "c", 10)] } };
	},
	matchRestored(ctx, logger, nk, d, tick, state, presences) {
		state.log.push(presences.map(p => p.username + p.sessionId).join());
		d.broadcastMessage(9, JSON.stringify(presences.map(p => p.userId)));
		d.matchLabelUpdate("restored " + Math.random());
		return { state };
	},
});
`,
	"lua": `
local nk = require("nakama")
local Unit = {}
Unit.__index = Unit
function Unit:add(x) self.n = self.n + x return self.n end
local luck = math.random()
local M = {}
function M.match_init(ctx, params) return { luck = luck, unit = setmetatable({ n = 1 }, Unit), log = {}, joins = 0 }, 10, "new" end
function M.match_join_attempt(ctx, d, tick, state) return state, math.random() < 0.9 end
function M.match_join(ctx, d, tick, state, ps) state.joins = state.joins + #ps return state end
function M.match_leave(ctx, d, tick, state, ps)
	for _, p in ipairs(ps) do table.insert(state.log, "left " .. p.username .. p.user_id) end
	return state
end
function M.match_loop(ctx, d, tick, state, messages)
	for _, m in ipairs(messages) do
		if m.op_code == 9 then d.match_kick({ m.sender }) end
		state.unit:add(m.op_code)
		table.insert(state.log, math.random()); table.insert(state.log, m.data); table.insert(state.log, nk.time())
	end
	d.broadcast_message(1, tick .. " " .. state.unit.n .. " " .. math.random() .. ctx.match_label)
	while #state.log > 20 do table.remove(state.log, 1) end
	return state
end
function M.match_terminate(ctx, d, tick, state) return state end
function M.match_signal(ctx, d, tick, state, data) return state, data .. nk.uuid_v4() end
function M.match_snapshot(ctx, d, tick, state)
	if tick % 7 == 6 then error("not at " .. tick) end
	d.match_label_update("snapshot at " .. tick .. " " .. math.random())
	d.broadcast_message_deferred(8, "kept")
	return { luck = state.luck, unit = state.unit.n, log = state.log, joins = state.joins, at = nk.time(), id = nk.uuid_v4() }
end
function M.match_restore(ctx, d, tick, state)
	state.unit = setmetatable({ n = state.unit + math.random(10) }, Unit)
	state.restored = { nk.uuid_v4(), nk.time(), #nk.storage_list(nil, "c", 10) }
	return state
end
function M.match_restored(ctx, d, tick, state, presences)
	for _, p in ipairs(presences) do table.insert(state.log, p.username .. p.session_id) end
	d.broadcast_message(9, tostring(#presences))
	d.match_label_update("restored " .. math.random())
	return state
end
return M
`,
	"go": "",
}

// keptGo is the same in Go, without what a replay of Go cannot repeat.
type keptGo struct{ counter }

func init() {
	golang.Register("kept", func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
		return initializer.RegisterMatch("kept_go", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
			return &keptGo{}, nil
		})
	})
}

func (*keptGo) MatchLoop(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, d runtime.MatchDispatcher, tick int64, state any, messages []runtime.MatchData) any {
	s := state.(*counterState)
	for _, m := range messages {
		if m.GetOpCode() == 9 {
			_ = d.MatchKick([]runtime.Presence{m})
		}
		s.N += int(m.GetOpCode())
	}
	_ = d.BroadcastMessage(1, fmt.Append(nil, tick, s.N), nil, nil, true)
	return s
}

func (*keptGo) MatchSignal(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, _ runtime.MatchDispatcher, _ int64, state any, data string) (any, string) {
	return state, data
}

func (*keptGo) MatchSnapshot(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, tick int64, state any) ([]byte, error) {
	if tick%7 == 6 {
		return nil, fmt.Errorf("not at %d", tick)
	}
	return json.Marshal(state)
}

func (*keptGo) MatchRestore(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, d runtime.MatchDispatcher, tick int64, data []byte, presences []runtime.Presence) (any, error) {
	s := new(counterState)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, err
	}
	for _, p := range presences {
		s.N += len(p.GetUsername())
		_ = d.BroadcastMessage(9, []byte(p.GetSessionId()), nil, nil, true)
	}
	return s, d.MatchLabelUpdate(fmt.Sprint("restored at ", tick, " with ", s.N))
}

func newKeptServer(t testing.TB, language string, change ...func(*game.Options)) *recordingServer {
	t.Helper()
	return newKeptServerOf(t, language, keptGame[language], change...)
}

// newKeptServerOf is newKeptServer with other code.
func newKeptServerOf(t testing.TB, language, source string, change ...func(*game.Options)) *recordingServer {
	t.Helper()
	files := map[string]string{"index.ts": source}
	switch language {
	case "lua":
		files = map[string]string{"kept.lua": source}
	case "go":
		files = nil
	}
	o := testParams
	o.Mode, o.MaxMatch, o.MaxAll, o.Folder = match.RecordAlways, 4<<20, 64<<20, t.TempDir()
	r := &recordingServer{recorder: match.NewRecorder(o), folder: o.Folder}
	t.Cleanup(r.recorder.Close)
	r.testServer = emptyTestServer(t, files, append(change, func(g *game.Options) {
		g.Recorder, g.Config.Match.Snapshot, g.Config.Match.ResumeSec = r.recorder, "3", 3600
	})...)
	if err := r.load(); err != nil {
		t.Fatal(err)
	}
	return r
}

// Matches of which snapshots are taken, and matches that were restored, are the same when
// their recordings are replayed: one ends with the planned stop, and one begins with the
// snapshot.
func TestReplayOfRestoredMatches(t *testing.T) {
	t.Parallel()
	for language := range keptGame {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			name := map[bool]string{true: "kept_go", false: "kept"}[language == "go"]
			w := newKeptServer(t, language)
			type played struct {
				*steppedMatch
				players []*match.Joiner
			}
			var all []played
			rapid.Check(t, func(rt *rapid.T) {
				if len(all) == 30 {
					return
				}
				m := w.stepped(t, name, nil)
				players := m.play(rt, nil)
				for m.ticks%7 == 6 { // its handler cannot be kept
					m.step()
				}
				all = append(all, played{m, players})
			})
			w.matches.Stop(context.Background(), 0)
			matches := map[string]*steppedMatch{}
			for _, m := range all {
				matches[m.id] = m.steppedMatch
			}
			replayAll(t, w, matches, false)

			again := newKeptServer(t, language, func(g *game.Options) { g.DB = w.db })
			if err := again.matches.Restore(context.Background()); err != nil {
				t.Fatal(err)
			}
			if n := again.matches.Count(); n != len(all) {
				t.Fatalf("%d matches were restored, want %d:\n%s", n, len(all), again.log)
			}
			left := all
			rapid.Check(t, func(rt *rapid.T) {
				if len(left) == 0 {
					return
				}
				m := left[0]
				left, m.server = left[1:], again
				m.play(rt, m.players)
			})
			again.matches.Stop(context.Background(), 0)
			replayAll(t, again, matches, true)
		})
	}
}

// replayAll replays the recordings of a server, one of each match. In the replay and in the
// time line the match has the members that it had.
func replayAll(t *testing.T, w *recordingServer, matches map[string]*steppedMatch, restored bool) {
	t.Helper()
	all := w.recordings(t)
	if len(all) != len(matches) {
		t.Fatalf("%d recordings, want %d", len(all), len(matches))
	}
	for _, rec := range all {
		if rec.Birth == nil || !rec.First || rec.Incomplete || rec.Runtime == "" {
			t.Fatalf("the recording %+v is not complete", rec.Header)
		}
		if (rec.Birth.Snapshot != nil) != restored {
			t.Fatalf("it begins with %q", rec.Birth.Name())
		}
		m := matches[rec.Match]
		if m == nil {
			t.Fatalf("a recording of the match %s", rec.Match)
		}
		steps, differences := w.replay(t, rec, m.sameMembers)
		if len(differences) > 0 {
			t.Fatalf("%d differences in %d calls, of which the first are:\n%s", len(differences), steps, strings.Join(differences[:min(len(differences), 8)], "\n"))
		}
	}
	list, _, err := w.recorder.List("", len(all), len(all), func(*match.RecordingInfo) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		f, err := w.recorder.Read(one.Name)
		if err != nil {
			t.Fatal(err)
		}
		matches[f.Match].sameTimeLine(f)
		_ = f.Close()
	}
}

// A match whose handler fails to restore it leaves a recording of that, whose replay fails
// in the same way.
func TestReplayOfFailedRestore(t *testing.T) {
	t.Parallel()
	for language, broken := range map[string]func(string) string{
		"javascript": func(s string) string {
			return strings.Replace(s, "matchRestored(ctx, logger, nk, d, tick, state, presences) {", "matchRestored(ctx, logger, nk, d, tick, state, presences) { throw new Error(nk.uuidv4());", 1)
		},
		"lua": func(s string) string {
			return strings.Replace(s, "function M.match_restored(ctx, d, tick, state, presences)", "function M.match_restored(ctx, d, tick, state, presences) error(nk.uuid_v4())", 1)
		},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			w := newKeptServer(t, language)
			m := w.stepped(t, "kept", nil)
			w.matches.Stop(context.Background(), 0)
			again := newKeptServerOf(t, language, broken(keptGame[language]), func(g *game.Options) { g.DB = w.db })
			if err := again.matches.Restore(context.Background()); err != nil || again.matches.Count() != 0 {
				t.Fatalf("%d matches were restored, %v", again.matches.Count(), err)
			}
			replayAll(t, again, map[string]*steppedMatch{m.id: m}, true)
			if rec := again.recordings(t)[0]; rec.Error == "" || rec.In != "match restore" {
				t.Errorf("the error is %q in %q", rec.Error, rec.In)
			}
		})
	}
}
