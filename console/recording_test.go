package console_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

// sums are matches that add up what they are sent, keep the sum in the storage and the log, and
// fail at op code 9.
var sums = map[string]servertest.Option{
	"javascript": servertest.Module("index.ts", sumsTypeScript),
	"lua":        servertest.Module("sums.lua", sumsLua),
	"go":         servertest.Flags("--runtime.env", "sums=go"),
}

const sumsTypeScript = `
const same = (ctx: any, logger: any, nk: any, d: any, tick: number, state: any) => ({ state });
export function InitModule(ctx: any, logger: any, nk: any, initializer: any) {
	initializer.registerMatch("sums", {
		matchInit: () => ({ state: { sum: 0, seen: [] }, tickRate: 30, label: "hall" }), matchJoin: same, matchLeave: same, matchTerminate: same, matchSignal: same,
		matchJoinAttempt: (ctx: any, logger: any, nk: any, d: any, tick: number, state: any) => ({ state, accept: true }),
		matchLoop: loop,
	});
}
function loop(ctx: any, logger: any, nk: any, d: any, tick: number, state: any, messages: any[]) {
	for (const m of messages) {
		if (m.opCode === 9)
			throw new Error("no luck");
		state.sum += Number(nk.binaryToString(m.data)) * 1;
		state.seen.push(m.sender.username);
		logger.info("the sum is %d", state.sum);
		nk.storageWrite([{ collection: "sums", key: "last", userId: "00000000-0000-0000-0000-000000000000", value: { sum: state.sum } }]);
		d.broadcastMessage(2, "sum " + state.sum);
	}
	return { state };
}`

const sumsLua = `
local nk = require("nakama")
local M = {}
function M.match_init() return { sum = 0, seen = {} }, 30, "hall" end
function M.match_join_attempt(c, d, t, state) return state, true end
function M.match_join(c, d, t, state) return state end
M.match_leave, M.match_terminate, M.match_signal = M.match_join, M.match_join, M.match_join
function M.match_loop(c, d, t, state, messages)
	for _, m in ipairs(messages) do
		if m.op_code == 9 then
			error("no luck")
		end
		state.sum = state.sum + tonumber(m.data) * 1
		table.insert(state.seen, m.sender.username)
		nk.logger_info("the sum is %d", state.sum)
		nk.storage_write({{ collection = "sums", key = "last", user_id = "00000000-0000-0000-0000-000000000000", value = { sum = state.sum } }})
		d.broadcast_message(2, "sum " .. state.sum)
	end
	return state
end
return M`

func init() { golang.Register("sums", goSums) }

func goSums(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["sums"] != "go" {
		return nil
	}
	return initializer.RegisterMatch("sums", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
		return goSum{}, nil
	})
}

type goSum struct{}

type goSumState struct {
	Sum  int      `json:"sum"`
	Seen []string `json:"seen"`
}

func (goSum) MatchInit(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, map[string]any) (any, int, string) {
	return &goSumState{Seen: []string{}}, 30, "hall"
}

func (goSum) MatchJoinAttempt(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ runtime.Presence, _ map[string]string) (any, bool, string) {
	return state, true, ""
}

func (goSum) MatchJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.Presence) any {
	return state
}

func (goSum) MatchLeave(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.Presence) any {
	return state
}

func (goSum) MatchLoop(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, state any, messages []runtime.MatchData) any {
	s := state.(*goSumState)
	for _, m := range messages {
		if m.GetOpCode() == 9 {
			panic("no luck")
		}
		n := 0
		_, _ = fmt.Sscan(string(m.GetData()), &n)
		s.Sum += n
		s.Seen = append(s.Seen, m.GetUsername())
		_ = d.BroadcastMessage(2, fmt.Appendf(nil, "sum %d", s.Sum), nil, nil, true)
	}
	return s
}

func (goSum) MatchTerminate(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ int) any {
	return state
}

func (goSum) MatchSignal(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, data string) (any, string) {
	return state, data
}

type recordings struct {
	Recordings []recording
	NextCursor string `json:"next_cursor"`
	Mode       string
}

type recording struct {
	Name, Handler, Runtime, Label, Error, Stack, Problem string
	Size                                                 float64
	MatchID                                              string  `json:"match_id"`
	ErrorIn                                              string  `json:"error_in"`
	FromStart                                            bool    `json:"from_start"`
	FirstTick                                            float64 `json:"first_tick"`
	LastTick                                             float64 `json:"last_tick"`
	Incomplete                                           bool
	ReplayProblem                                        string `json:"replay_problem"`
}

type recordedTicks struct {
	Ticks []struct {
		Number             float64
		Inputs, Broadcasts int
		Events             []string
		Error              string
	}
	Next float64
}

type recordedTick struct {
	Tick struct {
		Inputs []struct {
			Sender *struct{ Username string }
			OpCode string `json:"op_code"`
			Data   []byte
		}
		Broadcasts []struct {
			Receivers int
			Data      []byte
		}
		Error, Stack string
	}
	Presences []struct{ Username string }
}

type recordedState struct {
	Done, Ended, Recorded bool
	From                  float64
	State, Before         *struct {
		Tick float64
		JSON string
	}
	Differences     []struct{ What, Recorded, Replayed string }
	FirstDifference float64 `json:"first_difference"`
	Log             []struct{ Level, Message string }
}

// failedMatch plays a match that fails: ann joins and sends 5, then 7, then what fails. It
// returns its recording.
func failedMatch(t *testing.T, srv *servertest.Server, admin *servertest.Operator) recording {
	t.Helper()
	id, err := srv.Game().Matches.Create(t.Context(), "sums", nil)
	if err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "the match ticks", func() bool {
		_, tick, _, err := srv.Game().Matches.State(t.Context(), id)
		return err == nil && tick > 1
	})
	socket := srv.User(t, "ann").Socket(t)
	socket.Call(t, "match_join", `{"match_id":"`+id+`"}`)
	for _, sum := range []struct{ data, sum string }{{"NQ==", "sum 5"}, {"Nw==", "sum 12"}} {
		socket.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"1","data":"`+sum.data+`"}}`)
		socket.Expect(t, "match_data")
	}
	socket.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"9","data":""}}`)
	var list recordings
	servertest.Eventually(t, "a recording of the match", func() bool {
		list = recordings{}
		admin.Must(t, "GET", "/recording?match_id="+url.QueryEscape(id), "").Decode(t, &list)
		return len(list.Recordings) == 1
	})
	return list.Recordings[0]
}

// The recording of a match that failed: its time line, what happened in a tick, and the state
// from a replay that has no effect; on other code, the differences.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for language, module := range sums {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, servertest.Console(), servertest.Flags("--match.record", "error"), module)
			admin := srv.ConsoleLogin(t, "admin", "password")
			var empty recordings
			admin.Must(t, "GET", "/recording", "").Decode(t, &empty)
			if len(empty.Recordings) != 0 || empty.Mode != "error" {
				t.Errorf("without recordings the list is %+v", empty)
			}
			r := failedMatch(t, srv, admin)
			if r.Handler != "sums" || r.Runtime != language || r.Label != "hall" || !r.FromStart || !strings.Contains(r.Error, "no luck") || r.ErrorIn != "loop" {
				t.Errorf("the recording is %+v", r)
			}
			path := "/recording/" + r.Name
			var head recording
			admin.Must(t, "GET", path, "").Decode(t, &head)
			if head.FirstTick != 0 || head.LastTick != r.LastTick || head.Incomplete || (head.ReplayProblem == "") == (language == "go") {
				t.Errorf("the head is %+v", head)
			}

			// The time line, in pages.
			var hits []float64
			inputs, joined, failures := 0, false, 0
			for next := 0.0; next >= 0; {
				var page recordedTicks
				admin.Must(t, "GET", fmt.Sprintf("%s/timeline?from=%v&limit=2", path, next), "").Decode(t, &page)
				if len(page.Ticks) > 2 {
					t.Fatalf("%d ticks of 2", len(page.Ticks))
				}
				for _, tick := range page.Ticks {
					inputs += tick.Inputs
					joined = joined || slices.Contains(tick.Events, "join ann")
					if tick.Inputs > 0 && tick.Error == "" {
						hits = append(hits, tick.Number)
					}
					if tick.Error != "" {
						failures++
						if tick.Number != r.LastTick || !strings.Contains(tick.Error, "no luck") {
							t.Errorf("tick %v has the error %q", tick.Number, tick.Error)
						}
					}
				}
				next = page.Next
			}
			if inputs != 3 || len(hits) != 2 || !joined || failures != 1 {
				t.Errorf("the time line has %d inputs in %v, a join %v, %d errors", inputs, hits, joined, failures)
			}
			var tick recordedTick
			admin.Must(t, "GET", fmt.Sprintf("%s/tick?tick=%v", path, hits[0]), "").Decode(t, &tick)
			if in, out := tick.Tick.Inputs, tick.Tick.Broadcasts; len(in) != 1 || in[0].Sender.Username != "ann" || string(in[0].Data) != "5" ||
				len(out) != 1 || string(out[0].Data) != "sum 5" || out[0].Receivers != 1 || len(tick.Presences) != 1 {
				t.Errorf("the tick is %+v", tick)
			}
			tick = recordedTick{}
			admin.Must(t, "GET", fmt.Sprintf("%s/tick?tick=%v", path, r.LastTick), "").Decode(t, &tick)
			place := map[string]string{"javascript": "index.ts:13", "lua": "sums.lua:11", "go": "recording_test.go"}[language]
			if !strings.Contains(tick.Tick.Error, "no luck") || !strings.Contains(tick.Tick.Error+tick.Tick.Stack, place) {
				t.Errorf("the error is %q, %q, want %s", tick.Tick.Error, tick.Tick.Stack, place)
			}

			state := func(at float64) (s recordedState) {
				t.Helper()
				for !s.Done {
					s = recordedState{}
					admin.Must(t, "GET", fmt.Sprintf("%s/state?tick=%v", path, at), "").Decode(t, &s)
				}
				return s
			}
			if language == "go" {
				if s := state(r.LastTick); !s.Recorded || s.State == nil || s.State.JSON != `{"sum":12,"seen":["ann","ann"]}` {
					t.Errorf("the recorded state is %+v", s)
				}
				return
			}
			// A replay writes nothing: neither into the storage nor into the log.
			admin.Must(t, "DELETE", "/storage/sums/last/00000000-0000-0000-0000-000000000000", "")
			logged := func() int {
				return strings.Count(admin.Must(t, "GET", "/log?text="+url.QueryEscape("the sum is"), "").Body, "the sum is")
			}
			before := logged()
			for _, want := range []struct {
				tick          float64
				before, after string
				log           string
			}{
				{hits[1], `{"sum":5,"seen":["ann"]}`, `{"sum":12,"seen":["ann","ann"]}`, "the sum is 12"},
				{r.LastTick, `{"sum":12,"seen":["ann","ann"]}`, `{"sum":12,"seen":["ann","ann"]}`, "no luck"},
				{hits[0], `{"sum":0,"seen":[]}`, `{"sum":5,"seen":["ann"]}`, "the sum is 5"}, // back
				{hits[0], `{"sum":0,"seen":[]}`, `{"sum":5,"seen":["ann"]}`, "the sum is 5"}, // again
			} {
				s := state(want.tick)
				if s.State == nil || s.Before == nil || !sameState(s.State.JSON, want.after) || !sameState(s.Before.JSON, want.before) || s.State.Tick != want.tick ||
					len(s.Differences) != 0 || s.FirstDifference != -1 || len(s.Log) != 1 || !strings.Contains(s.Log[0].Message, want.log) {
					t.Errorf("tick %v: %+v %+v %+v", want.tick, s, s.State, s.Before)
				}
			}
			if s := state(0); s.State == nil || s.Before == nil || !sameState(s.State.JSON, `{"sum":0,"seen":[]}`) || !sameState(s.Before.JSON, `{"sum":0,"seen":[]}`) {
				t.Errorf("the first state is %+v", s)
			}
			if after := logged(); before == 0 || after != before {
				t.Errorf("the replay has written %d lines into the log, of %d", after-before, before)
			}
			if a := admin.Do(t, "GET", "/storage/sums/last/00000000-0000-0000-0000-000000000000", ""); a.Status != http.StatusNotFound {
				t.Errorf("the replay has written into the storage: %d %s", a.Status, a.Body)
			}
			for _, wrong := range []string{"-1", "1.5", "x", fmt.Sprint(r.LastTick + 1)} {
				if a := admin.Do(t, "GET", path+"/state?tick="+wrong, ""); a.Status != http.StatusBadRequest {
					t.Errorf("tick %s: %d %s", wrong, a.Status, a.Body)
				}
			}

			// Other code.
			name, text := "index.ts", sumsTypeScript
			if language == "lua" {
				name, text = "sums.lua", sumsLua
			}
			srv.Write(t, name, strings.ReplaceAll(text, "* 1", "* 2"))
			if err := srv.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			s := state(hits[1])
			if s.FirstDifference != hits[0] || len(s.Differences) == 0 {
				t.Errorf("on other code the state is %+v", s)
			}
			s = state(r.LastTick)
			if last := s.Differences; !slices.ContainsFunc(last, func(d struct{ What, Recorded, Replayed string }) bool {
				return d.What == "state.sum" && d.Recorded == "12" && d.Replayed == "24"
			}) {
				t.Errorf("on other code the differences are %+v", last)
			}
		})
	}
}

// Under kumi dev a match in Go is replayed, too.
func TestRecordingOfGo(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Dev(), servertest.Flags("--match.record", "error"), sums["go"])
	admin := srv.ConsoleLogin(t, "admin", "password")
	r := failedMatch(t, srv, admin)
	var head recording
	if admin.Must(t, "GET", "/recording/"+r.Name, "").Decode(t, &head); head.ReplayProblem != "" {
		t.Errorf("it cannot be replayed: %s", head.ReplayProblem)
	}
	var line recordedTicks
	admin.Must(t, "GET", "/recording/"+r.Name+"/timeline?limit=1000", "").Decode(t, &line)
	sum, seen := 0, []string{}
	for _, tick := range line.Ticks {
		if tick.Inputs > 0 && tick.Error == "" {
			sum, seen = map[int]int{0: 5, 5: 12}[sum], append(seen, `"ann"`)
		}
		var s recordedState
		admin.Must(t, "GET", fmt.Sprintf("/recording/%s/state?tick=%v", r.Name, tick.Number), "").Decode(t, &s)
		if want := fmt.Sprintf(`{"sum":%d,"seen":[%s]}`, sum, strings.Join(seen, ",")); s.Recorded || !s.Done || s.State == nil || s.State.JSON != want || s.FirstDifference != -1 {
			t.Errorf("tick %v: %+v %+v, want %s", tick.Number, s, s.State, want)
		}
	}
	if sum != 12 {
		t.Errorf("the last sum is %d", sum)
	}
}

// sameState compares states. Lua's are in another order, and an empty list is a table.
func sameState(got, want string) bool {
	parts := func(text string) []string {
		return slices.Sorted(slices.Values(strings.Split(strings.Trim(strings.ReplaceAll(text, ":{}", ":[]"), "{}"), ",")))
	}
	return slices.Equal(parts(got), parts(want))
}

// Files are found in the folder by their names only. One that is damaged has an error that says
// where, and the others can be read.
func TestRecordingFiles(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	folder := filepath.Join(data, "recordings")
	srv := servertest.Start(t, servertest.Console(), servertest.Flags("--match.record", "error", "--match.record_folder", folder), sums["javascript"])
	admin := srv.ConsoleLogin(t, "admin", "password")
	r := failedMatch(t, srv, admin)
	whole, err := os.ReadFile(filepath.Join(folder, r.Name))
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(data, "outside.kumirec")
	broken := slices.Clone(whole)
	broken[len(broken)*9/10] ^= 0xff // in the last part
	older := slices.Clone(whole)
	older[len("KUMIREC")] = 9
	for path, content := range map[string][]byte{
		outside: whole, filepath.Join(folder, "broken.kumirec"): broken, filepath.Join(folder, "empty.kumirec"): nil, filepath.Join(folder, "foreign.kumirec"): []byte("hello, this is a text"),
		filepath.Join(folder, "half.kumirec"): whole[:len(whole)-3], filepath.Join(folder, "head.kumirec"): whole[:20], filepath.Join(folder, "notes.txt"): []byte("no recording"),
		filepath.Join(folder, "other.kumirec"): older,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(folder, "link.kumirec")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "folder.kumirec"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"../outside.kumirec", outside, "link.kumirec", "folder.kumirec", "notes.txt", "missing.kumirec", "./" + r.Name, "folder.kumirec/../" + r.Name, `..\outside.kumirec`, "x\x00.kumirec",
	} {
		path := "/recording/" + url.PathEscape(name)
		for _, call := range []struct{ method, path string }{
			{"GET", path}, {"GET", path + "/timeline"}, {"GET", path + "/tick?tick=1"}, {"GET", path + "/state?tick=1"}, {"GET", path + "/file"}, {"DELETE", path},
		} {
			if a := admin.Do(t, call.method, call.path, ""); a.Status != http.StatusNotFound {
				t.Errorf("%s %s: %d %s", call.method, call.path, a.Status, a.Body)
			}
		}
	}
	if kept, err := os.ReadFile(outside); err != nil || !bytes.Equal(kept, whole) {
		t.Errorf("the file outside of the folder was changed: %v", err)
	}

	var all []recording
	for cursor, more := "", true; more; {
		var page recordings
		admin.Must(t, "GET", "/recording?limit=2&cursor="+cursor, "").Decode(t, &page)
		all, cursor, more = append(all, page.Recordings...), page.NextCursor, page.NextCursor != ""
	}
	problems := map[string]string{}
	for _, one := range all {
		problems[one.Name] = one.Problem
	}
	for name, want := range map[string]string{
		r.Name: "", "broken.kumirec": "", "half.kumirec": "", "empty.kumirec": "not the recording", "foreign.kumirec": "not the recording", "head.kumirec": "at byte 8",
		"other.kumirec": "has version 9",
	} {
		got, ok := problems[name]
		if !ok || (got == "") != (want == "") || !strings.Contains(got, want) || want != "" && !strings.Contains(got, name) {
			t.Errorf("%s is listed %v, with %q, want %q", name, ok, got, want)
		}
	}
	if len(problems) != 7 || len(all) != 7 {
		t.Errorf("the list is %v", problems)
	}
	var half recording
	if admin.Must(t, "GET", "/recording/half.kumirec", "").Decode(t, &half); !half.Incomplete {
		t.Errorf("a file without its end is %+v", half)
	}
	a := admin.Do(t, "GET", fmt.Sprintf("/recording/broken.kumirec/timeline?from=%v", r.LastTick), "")
	if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "broken.kumirec: at byte ") {
		t.Errorf("a damaged file: %d %s", a.Status, a.Body)
	}
	for _, filter := range []struct {
		query string
		want  int
	}{
		{"failed=true", 3}, {"error=NO+LUCK", 3}, {"error=else", 0}, {"handler=sums", 3}, {"handler=sum", 0}, {"match_id=" + url.QueryEscape(r.MatchID), 3}, {"match_id=x", 0},
	} {
		var list recordings
		admin.Must(t, "GET", "/recording?"+filter.query, "").Decode(t, &list)
		if len(list.Recordings) != filter.want {
			t.Errorf("%s: %d recordings, want %d", filter.query, len(list.Recordings), filter.want)
		}
	}

	// The download and the removal need rights of their own, and are in the audit log.
	reader := admin.Add(t, "reader", "correct horse battery", `{"MATCH":{"read":true}}`)
	for _, call := range []struct{ method, path string }{{"GET", "/recording/" + r.Name + "/file"}, {"DELETE", "/recording/" + r.Name}} {
		if a := reader.Do(t, call.method, call.path, ""); a.Status != http.StatusForbidden {
			t.Errorf("%s %s without the right: %d %s", call.method, call.path, a.Status, a.Body)
		}
	}
	if a := admin.Must(t, "GET", "/recording/"+r.Name+"/file", ""); a.Body != string(whole) {
		t.Errorf("the download has %d bytes, the file %d", len(a.Body), len(whole))
	}
	admin.Must(t, "DELETE", "/recording/"+r.Name, "")
	if _, err := os.Stat(filepath.Join(folder, r.Name)); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
	audit := admin.Must(t, "GET", "/audit/log?resource=MATCH", "").Body
	for _, want := range []string{"DownloadRecording", "DeleteRecording", r.Name} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit log has no %s: %s", want, audit)
		}
	}
}
