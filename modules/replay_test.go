package modules

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"kumi/match"
	"kumi/presence"
	"kumi/server/game"
)

// testParams write down parameters that are maps of strings.
var testParams = match.RecorderOptions{
	EncodeParams: func(p map[string]any) ([]byte, error) {
		text := ""
		for k, v := range p {
			text += fmt.Sprintf("%s=%v\n", k, v)
		}
		return []byte(text), nil
	},
	DecodeParams: func(b []byte) (map[string]any, error) {
		p := map[string]any{}
		for line := range strings.Lines(string(b)) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
			p[k] = v
		}
		return p, nil
	},
}

// recordingServer is a test server that records all matches.
type recordingServer struct {
	*testServer
	recorder *match.Recorder
	folder   string
}

func newRecordingServer(t testing.TB, files map[string]string, change func(*match.RecorderOptions)) *recordingServer {
	t.Helper()
	o := testParams
	o.Mode, o.MaxMatch, o.MaxAll, o.Folder, o.Logger = match.RecordAlways, 4<<20, 64<<20, t.TempDir(), zerolog.Nop()
	if change != nil {
		change(&o)
	}
	r := &recordingServer{recorder: match.NewRecorder(o), folder: o.Folder}
	t.Cleanup(r.recorder.Close)
	r.testServer = emptyTestServer(t, files, func(g *game.Options) { g.Recorder = r.recorder })
	return r
}

// recordings reads all files.
func (r *recordingServer) recordings(t testing.TB) (all []*match.Recording) {
	t.Helper()
	r.recorder.Flush()
	files, err := os.ReadDir(r.folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		rec, err := match.ReadRecording(filepath.Join(r.folder, f.Name()), testParams.DecodeParams)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
	return all
}

// replay replays a recording on the modules of the server and returns the differences, each
// with its tick. each is called after each step.
func (r *recordingServer) replay(t testing.TB, rec *match.Recording, each ...func(*match.Replay, *match.Step)) (steps int, all []string) {
	t.Helper()
	p, err := match.NewReplay(rec, match.ReplayOptions{
		Find: r.Handler, Logger: zerolog.Nop(), EncodeParams: testParams.EncodeParams, DecodeParams: testParams.DecodeParams,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for {
		want, got, err := p.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			return steps, all
		}
		steps++
		for _, f := range each {
			f(p, want)
		}
		for _, d := range match.Compare(want, got) {
			all = append(all, fmt.Sprintf("tick %d, %s: %s", want.Tick, want.Name(), d))
		}
		if got != nil && want.State != nil && string(want.State) != string(got.State) {
			text, _ := p.State()
			was, err := p.Describe(want.State)
			all = append(all, fmt.Sprintf("tick %d: the whole state: %v %v", want.Tick, match.CompareStates(was, text, 5), err))
			if len(match.CompareStates(was, text, 5)) == 0 {
				all = append(all, fmt.Sprintf("%q\n%q", want.State, got.State))
			}
		}
	}
}

// steppedMatch is a match whose ticks run by step only.
type steppedMatch struct {
	t       testing.TB
	server  *recordingServer
	id      string
	ticks   int64
	members map[int64][]*presence.Presence // in each tick
}

// stepped makes a match.
func (r *recordingServer) stepped(t testing.TB, handler string, params map[string]any) *steppedMatch {
	t.Helper()
	id, err := r.matches.Create(context.Background(), handler, params)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.matches.Pause(context.Background(), id, true); err != nil {
		t.Fatal(err)
	}
	m := &steppedMatch{t: t, server: r, id: id, members: map[int64][]*presence.Presence{}}
	_, m.ticks, _, _ = r.matches.State(context.Background(), id)
	return m
}

// step runs one tick.
func (m *steppedMatch) step() {
	m.t.Helper()
	if inside, tick, _, err := m.server.matches.State(context.Background(), m.id); err == nil {
		m.members[tick] = inside
	}
	if err := m.server.matches.Step(context.Background(), m.id); err != nil {
		return // it has ended
	}
	m.ticks++
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		_, tick, _, err := m.server.matches.State(context.Background(), m.id)
		if err != nil || tick >= m.ticks {
			return
		}
	}
	m.t.Fatal("the match does not tick")
}

func (m *steppedMatch) joiner(name string) *match.Joiner {
	return &match.Joiner{
		Presence: presence.Presence{ID: presence.ID{Node: testNode, Session: uuid.Must(uuid.NewV4())}, UserID: uuid.Must(uuid.NewV4()), Meta: presence.Meta{Username: name}},
		Vars:     map[string]string{"v": "1"}, ClientIP: "10.0.0.1", ClientPort: "99", Lang: "en",
	}
}

// randomGame is a match that uses all that must be recorded, in each language. A message is
// a command.
var randomGame = map[string]string{
	"javascript": `
const born = Date.now(), luck = Math.random();
let loads: number;
const later = <T>(ms: number, x: T) => new Promise<T>(done => setTimeout(() => done(x), ms));
const match: any = {
	matchInit(ctx, logger, nk, params) {
		return { state: { params, born, luck, loads, log: [], members: new Map(), rolls: [], at: new Date(), version: ctx.moduleVersion }, tickRate: 10, label: "new" };
	},
	matchJoinAttempt(ctx, logger, nk, d, tick, state, p, meta) {
		state.log.push("attempt " + p.username + " " + ctx.clientIp + " " + JSON.stringify(meta));
		return { state, accept: Math.random() < 0.8, rejectMessage: "no luck" };
	},
	matchJoin(ctx, logger, nk, d, tick, state, ps) {
		for (const p of ps) { state.members.set(p.sessionId, { name: p.username, at: Date.now() }); }
		return { state };
	},
	matchLeave(ctx, logger, nk, d, tick, state, ps) {
		for (const p of ps) { state.members.delete(p.sessionId); d.broadcastMessage(9, p.username); }
		return { state };
	},
	async matchLoop(ctx, logger, nk, d, tick, state, messages) {
		for (const m of messages) {
			const text = nk.binaryToString(m.data);
			if (m.opCode !== 11) state.log.push(m.sender.username + ":" + text + ":" + m.receiveTimeMs);
			switch (m.opCode) {
			case 1: state.rolls.push(Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(4))]); break;
			case 2: state.at = new Date(); state.ms = Date.now(); break;
			case 3:
				nk.storageWrite([{ collection: "c", key: "k" + tick, userId: "00000000-0000-0000-0000-000000000000", value: { tick, text } }]);
				state.read = nk.storageRead([{ collection: "c", key: "k" + tick, userId: "00000000-0000-0000-0000-000000000000" }]);
				break;
			case 4: try { nk.accountGetId(nk.uuidv4()); } catch (e) { state.error = e.message; } break;
			case 5: d.broadcastMessage(5, JSON.stringify({ tick, r: Math.random() }), [m.sender], m.sender, false); break;
			case 6: d.broadcastMessageDeferred(6, "x".repeat(3000) + text); break;
			case 7: d.matchLabelUpdate("label " + tick); break;
			case 8: state.order = await Promise.all([later(Math.random() * 4, 1).then(x => (state.log.push("t" + x), x)), later(Math.random() * 4, 2).then(x => (state.log.push("t" + x), x))]); break;
			case 9: d.matchKick([m.sender]); break;
			case 10: nk.storageWriteRetry?.(); state.self = state; break;
			case 12: throw new Error("as told");
			}
		}
		d.broadcastMessage(1, String(tick));
		return { state };
	},
	matchTerminate(ctx, logger, nk, d, tick, state, grace) { state.grace = grace; d.broadcastMessage(3, "bye"); return { state }; },
	matchSignal(ctx, logger, nk, d, tick, state, data) { state.signal = data + nk.uuidv4(); return { state, data: "re: " + state.signal }; },
};
const InitModule: any = (ctx, logger, nk, initializer) => {
	loads = nk.storageList(null, "c", 10).objects.length;
	initializer.registerMatch("random", match);
};
`,
	"lua": `
local nk = require("nakama")
local M = {}
local born, luck, clock = os.time(), math.random(), os.clock()
local loads = #nk.storage_list(nil, "c", 10)
function M.match_init(ctx, params)
	return { params = params, born = born, luck = luck, clock = clock, loads = loads, log = {}, members = {}, rolls = {} }, 10, "new"
end
function M.match_join_attempt(ctx, d, tick, state, p, meta)
	table.insert(state.log, "attempt " .. p.username .. " " .. ctx.client_ip .. " " .. tostring(meta.m))
	return state, math.random() < 0.8, "no luck"
end
function M.match_join(ctx, d, tick, state, ps)
	for _, p in ipairs(ps) do state.members[p.session_id] = { name = p.username, at = nk.time() } end
	return state
end
function M.match_leave(ctx, d, tick, state, ps)
	for _, p in ipairs(ps) do state.members[p.session_id] = nil; d.broadcast_message(9, p.username) end
	return state
end
function M.match_loop(ctx, d, tick, state, messages)
	for _, m in ipairs(messages) do
		local op = m.op_code
		if op ~= 11 then table.insert(state.log, m.sender.username .. ":" .. m.data .. ":" .. m.receive_time_ms) end
		if op == 1 then
			table.insert(state.rolls, math.random()); table.insert(state.rolls, nk.uuid_v4()); table.insert(state.rolls, math.random(100))
			if tick % 3 == 0 then math.randomseed(tick) end
		elseif op == 2 then state.at = os.date("*t"); state.ms = nk.time(); state.clock = os.clock(); state.s = os.time()
		elseif op == 3 then
			nk.storage_write({{ collection = "c", key = "k" .. tick, user_id = "00000000-0000-0000-0000-000000000000", value = { tick = tick, text = m.data } }})
			state.read = nk.storage_read({{ collection = "c", key = "k" .. tick, user_id = "00000000-0000-0000-0000-000000000000" }})
		elseif op == 4 then local ok, err = pcall(nk.account_get_id, nk.uuid_v4()); state.error = tostring(err)
		elseif op == 5 then d.broadcast_message(5, nk.json_encode({ tick = tick, r = math.random() }), { m.sender }, m.sender, false)
		elseif op == 6 then d.broadcast_message_deferred(6, string.rep("x", 3000) .. m.data)
		elseif op == 7 then d.match_label_update("label " .. tick)
		elseif op == 8 then
			state.order = {}
			nk.storage_write_retry({{ collection = "c", key = "r", user_id = "00000000-0000-0000-0000-000000000000" }}, function(objects)
				table.insert(state.log, "retry " .. #objects .. " " .. math.random())
				return {{ collection = "c", key = "r", user_id = "00000000-0000-0000-0000-000000000000", value = { n = nk.time() } }}
			end)
		elseif op == 9 then d.match_kick({ m.sender })
		elseif op == 10 then state.self = state
		elseif op == 12 then error("as told")
		end
	end
	d.broadcast_message(1, tostring(tick))
	return state
end
function M.match_terminate(ctx, d, tick, state, grace) state.grace = grace; d.broadcast_message(3, "bye"); return state end
function M.match_signal(ctx, d, tick, state, data) state.signal = data .. nk.uuid_v4(); return state, "re: " .. state.signal end
return M
`,
}

func randomFiles(language string) map[string]string {
	if language == "lua" {
		return map[string]string{"random.lua": randomGame[language]}
	}
	return map[string]string{"index.ts": randomGame[language]}
}

// Matches that are played at random are the same when they are replayed.
func TestReplayOfRandomMatches(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"javascript", "lua"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			w := newRecordingServer(t, randomFiles(language), nil)
			if err := w.load(); err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(rt *rapid.T) { playRandom(rt, t, w) })
			all := w.recordings(t)
			if len(all) == 0 {
				t.Fatal("nothing was recorded")
			}
			total := 0
			for _, rec := range all {
				if rec.Incomplete || !rec.First || rec.Birth == nil {
					t.Errorf("the recording %+v is not complete", rec.Header)
				}
				steps, differences := w.replay(t, rec)
				if len(differences) > 0 {
					t.Fatalf("%d differences in %d calls, of which the first are:\n%s", len(differences), steps, strings.Join(differences[:min(len(differences), 8)], "\n"))
				}
				total += steps
			}
			t.Logf("%d matches, %d calls", len(all), total)
		})
	}
}

// playRandom plays one match until its end.
func playRandom(rt *rapid.T, t *testing.T, w *recordingServer) {
	m := w.stepped(t, "random", map[string]any{"level": rapid.StringMatching("[a-z]{0,5}").Draw(rt, "level")})
	id := m.id
	var inside []uuid.UUID
	for range rapid.IntRange(1, 40).Draw(rt, "moves") {
		switch rapid.IntRange(0, 9).Draw(rt, "move") {
		case 0:
			j := m.joiner(rapid.SampledFrom([]string{"ann", "bob", "cy"}).Draw(rt, "name"))
			w.sessions.Add(&session{id: j.Session, user: j.UserID, name: j.Username, closed: make(chan presence.CloseReason, 1), arrived: make(chan struct{}, 100)})
			if _, err := w.matches.Join(context.Background(), match.JoinRequest{ID: id, Joiner: j, Metadata: map[string]string{"m": "1"}}); err == nil {
				inside = append(inside, j.Session)
			}
		case 1:
			if len(inside) > 0 {
				_ = w.matches.Leave(inside[0], id)
				inside = inside[1:]
			}
		case 2:
			_, _ = w.matches.Signal(context.Background(), id, rapid.StringN(0, 5, 20).Draw(rt, "signal"))
		case 3, 4, 5, 6:
			if len(inside) > 0 {
				_ = w.matches.Data(rapid.SampledFrom(inside).Draw(rt, "who"), &match.DataSend{ID: id, OpCode: int64(rapid.IntRange(1, 10).Draw(rt, "op")), Data: []byte(rapid.StringN(0, 8, 30).Draw(rt, "data")), Reliable: true})
			}
		default:
			m.step()
		}
	}
	m.step()
	if rapid.Bool().Draw(rt, "terminate") {
		_ = w.matches.End(context.Background(), id, time.Second)
		_, _, _, _ = w.matches.State(context.Background(), id)
	}
	_ = w.matches.End(context.Background(), id, 0)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if got, err := w.matches.Get(context.Background(), id); err != nil || got == nil {
			return
		}
	}
	t.Fatal("the match does not end")
}
