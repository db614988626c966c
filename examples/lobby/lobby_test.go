package lobby

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"kumi/server/command"
	"kumi/server/servertest"
)

// The page and what it consists of come from the game's own server.
func TestPage(t *testing.T) {
	t.Parallel()
	srv := start(t)
	for path, contentType := range map[string]string{
		"/lobby": "text/html", "/lobby/style.css": "text/css", "/lobby/lobby.js": "text/javascript",
		"/lobby/board.js": "text/javascript", "/lobby/nakama.js": "text/javascript",
	} {
		a := srv.Do(t, http.MethodGet, path, "", "")
		if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), contentType) || len(a.Body) < 1000 {
			t.Errorf("%s: %d, %s, %d bytes", path, a.Status, a.Header.Get("Content-Type"), len(a.Body))
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", a.Header.Get("ETag"))
		again, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		again.Body.Close()
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s once more: %s", path, again.Status)
		}
	}
	if a := srv.Do(t, http.MethodGet, "/lobby/index.ts", "", ""); a.Status != 404 {
		t.Errorf("the module's source is served: %d", a.Status)
	}
}

// Two players see each other, talk, and follow what the other does.
func TestLobby(t *testing.T) {
	t.Parallel()
	srv := start(t)
	ann, ben := enter(t, srv, "ann"), enter(t, srv, "ben")
	if e := ann.socket.Expect(t, "channel_presence_event"); !strings.Contains(string(e["channel_presence_event"]), `"joins"`) {
		t.Errorf("ben came: %s", e)
	}
	ann.socket.Call(t, "status_follow", `{"user_ids":["`+ben.ID+`"]}`)
	ben.socket.Call(t, "status_update", `{"status":"looking"}`)
	if e := ann.socket.Expect(t, "status_presence_event"); !strings.Contains(string(e["status_presence_event"]), "looking") {
		t.Errorf("what ben does: %s", e)
	}

	if e := ben.say(t, `{"text":" What the HECK, hecklers? "}`); e["channel_message_ack"] == nil {
		t.Errorf("ben says: %s", e)
	}
	const want = `{"text":"What the ****, hecklers?"}`
	if got := ann.socket.Expect(t, "channel_message").Field("channel_message", "content"); got != want {
		t.Errorf("ann hears %s, want %s", got, want)
	}
	for content, problem := range map[string]string{
		`{"text":"  "}`: "say something",
		`{}`:            "say something",
		`[]`:            "say something",
		`{"text":"` + strings.Repeat("x", 201) + `"}`: "200 letters",
	} {
		if e := ben.say(t, content); !strings.Contains(string(e["error"]), problem) {
			t.Errorf("%s: %s, want %q", content, e, problem)
		}
	}
	if a := ann.Do(t, http.MethodGet, "/v2/channel/"+ann.channel+"?limit=50&forward=false", ""); strings.Count(a.Body, `"content"`) != 1 || !strings.Contains(a.Body, "****") {
		t.Errorf("the history: %d %s", a.Status, a.Body)
	}
}

// A match from the search to the records: one player runs around a part of the
// board and has all of it, the other stands still.
func TestMatch(t *testing.T) {
	t.Parallel()
	srv := start(t)
	ann, ben := enter(t, srv, "ann"), enter(t, srv, "ben")

	// Nobody is matched after cancelling.
	ticket := ann.look(t, 100)
	if e := ann.socket.Call(t, "matchmaker_remove", `{"ticket":"`+ticket+`"}`); e["error"] != nil {
		t.Fatalf("cancel: %s", e)
	}

	seats := matched(t, ann, ben)
	first, second := seats[0], seats[1]
	if first.match != second.match {
		t.Fatalf("two matches, %s and %s", first.match, second.match)
	}

	// Nonsense moves nobody and ends nothing.
	for _, nonsense := range []string{"", "x", "null", `{"turn":7}`, `{"turn":"up"}`, `{"turn":1.5}`} {
		second.send(t, 3, nonsense)
	}
	second.send(t, 9, "{}")

	// From 3, 9 to the upper edge, around to the left edge below, and back into
	// the own line. Where exactly depends on when the turns arrive.
	start := second.board[9*28+24]
	first.turn(t, "3")
	first.until(t, "row 0", func(s step) bool { return s.Runners[0] == [2]int{3, 0} })
	first.turn(t, "0")
	first.until(t, "column 6", func(s step) bool { return s.Runners[0][0] >= 6 })
	first.turn(t, "1")
	first.until(t, "row 11", func(s step) bool { return s.Runners[0][1] >= 11 })
	first.turn(t, "2")
	first.until(t, "column 0", func(s step) bool { return s.Runners[0][0] == 0 })
	first.turn(t, "3")
	first.until(t, "row 7", func(s step) bool { return s.Runners[0][1] <= 7 })
	first.turn(t, "0")
	first.until(t, "column 3", func(s step) bool { return s.Runners[0][0] >= 3 })
	for _, inside := range [][2]int{{4, 1}, {5, 9}, {1, 9}, {4, 10}} {
		if got := first.board[inside[1]*28+inside[0]]; got != '1' {
			t.Errorf("the cell %v was shut in and is %q", inside, got)
		}
	}

	// Who saw the steps knows what the server does.
	for s := first.step(t); s.Left > 1; {
		s = first.step(t)
	}
	v := first.phase(t, "over")
	for s := second.step(t); s.Left > 1; {
		s = second.step(t)
	}
	if string(second.board) != v.Cells {
		t.Errorf("the steps led to\n%s, the match ended with\n%s", second.board, v.Cells)
	}
	if start != '2' || v.Runners[1] != [2]int{24, 9} {
		t.Errorf("the second player went from %q to %v without a turn", start, v.Runners[1])
	}

	if v.Result == nil || v.Result.Winner != first.ID || v.Result.Why != "score" || len(v.Result.Records) != 2 {
		t.Fatalf("the result is %+v, want %s to win", v.Result, first.Username)
	}
	if got, want := second.record(t, first), (record{Wins: 1, Rating: 1016}); got != want || v.Result.Records[0] != want {
		t.Errorf("the winner's record is %+v, told as %+v, want %+v", got, v.Result.Records[0], want)
	}
	if got, want := first.record(t, second), (record{Losses: 1, Rating: 984}); got != want {
		t.Errorf("the loser's record is %+v, want %+v", got, want)
	}
}

// A player who reloads the page comes back into the match; others do not come
// in. Giving up ends it.
func TestRejoinAndGiveUp(t *testing.T) {
	t.Parallel()
	srv := start(t)
	ann, ben := enter(t, srv, "ann"), enter(t, srv, "ben")
	matched(t, ann, ben)

	cal := enter(t, srv, "cal")
	if e := cal.socket.Call(t, "match_join", `{"match_id":"`+ann.match+`"}`); !strings.Contains(string(e["error"]), "between others") {
		t.Errorf("a third player joins: %s", e)
	}

	ben.socket.Close()
	if v := ann.phase(t, "playing"); v.Players[0].Here == v.Players[1].Here {
		t.Errorf("ben is away: %+v", v.Players)
	}
	ben.open(t)
	ben.rejoin(t)
	if v := ben.phase(t, "playing"); !v.Players[0].Here || !v.Players[1].Here || len(v.Cells) != 28*18 {
		t.Errorf("ben is back: %+v", v)
	}

	ben.send(t, 4, "")
	for _, p := range []*player{ann, ben} {
		if v := p.phase(t, "over"); v.Result == nil || v.Result.Winner != ann.ID || v.Result.Why != "gave up" {
			t.Errorf("%s is told %+v, want that ann wins", p.Username, v.Result)
		}
	}

	// Ratings are 1016 and 984 now, those of newcomers 1000, whatever a player
	// claims. Only those within reach of each other meet.
	dan := enter(t, srv, "dan")
	tickets := map[*player]string{}
	for _, p := range []*player{ann, ben, cal, dan} {
		tickets[p] = p.look(t, 10)
	}
	cal.join(t)
	dan.join(t)
	for _, p := range []*player{ann, ben} {
		if e := p.socket.Call(t, "matchmaker_remove", `{"ticket":"`+tickets[p]+`"}`); e["error"] != nil {
			t.Errorf("%s was matched beyond the width: %s", p.Username, e)
		}
		p.look(t, 100)
	}
	ann.join(t)
	ben.join(t)
}

// The module has no problems.
func TestCheck(t *testing.T) {
	t.Parallel()
	if code := command.Main([]string{"check", "--runtime.path", ".", "--data_dir", t.TempDir()}); code != 0 {
		t.Errorf("kumi check exits with %d", code)
	}
}

// Players cannot write a record of their own making.
func TestRecordsAreKept(t *testing.T) {
	t.Parallel()
	srv := start(t)
	a := srv.User(t, "ann").Do(t, http.MethodPut, "/v2/storage", `{"objects":[{"collection":"ink","key":"record","value":"{\"rating\":3000}"}]}`)
	if a.Status != http.StatusForbidden {
		t.Errorf("a player wrote a record: %d %s", a.Status, a.Body)
	}
	if a := srv.User(t, "ann").Do(t, http.MethodPut, "/v2/storage", `{"objects":[{"collection":"notes","key":"a","value":"{}"}]}`); a.Status != http.StatusOK {
		t.Errorf("a player wrote a note: %d %s", a.Status, a.Body)
	}
}

// A running match goes on with changed code.
func TestReload(t *testing.T) {
	t.Parallel()
	log := &servertest.Journal{}
	srv := start(t, servertest.Flags("--runtime.match_reload", "swap"), log.Keep())
	ann, ben := enter(t, srv, "ann"), enter(t, srv, "ben")
	matched(t, ann, ben)
	for _, p := range []*player{ann, ben} {
		p.turn(t, "3")
		p.until(t, "row 5", func(s step) bool { return s.Runners[0][1] <= 5 && s.Runners[1][1] <= 5 || p == ann })
	}

	source, err := os.ReadFile("src/game.ts")
	if err != nil {
		t.Fatal(err)
	}
	srv.Write(t, "src/game.ts", strings.ReplaceAll(string(source), `"gave up"`, `"resigned"`))
	if a := srv.Do(t, http.MethodPost, "/v2/kumi/reload?http_key=defaulthttpkey", "", ""); a.Status != 200 {
		t.Fatalf("reload: %d %s", a.Status, a.Body)
	}
	servertest.Eventually(t, "the match has moved", func() bool { return len(log.Lines("match moved to the reloaded module")) == 1 })
	before := strings.Count(string(ben.board), "2")
	ben.send(t, 4, "")
	v := ann.phase(t, "over")
	if v.Result == nil || v.Result.Why != "resigned" || v.Result.Winner != ann.ID {
		t.Errorf("the match ended on the old code: %+v", v.Result)
	}
	if strings.Count(v.Cells, "2") < before || before < 2 {
		t.Errorf("the second player had %d cells before, the board is\n%s", before, v.Cells)
	}
}
