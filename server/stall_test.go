package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kumi/internal/testenv"
	"kumi/internal/testutil"
	"kumi/presence"
	"kumi/server/servertest"
)

// late is when a test gives up waiting.
const late = 30 * time.Second

// watched is a module that remembers why sessions ended, and that can fill what
// lies between the server and one session.
const watched = `
	initializer.registerEventSessionEnd((ctx, logger, nk, event) => nk.localcachePut(ctx.sessionId, "ended: " + event.properties.reason));
	initializer.registerRpc("why", (ctx, logger, nk, id) => nk.localcacheGet(id) || "");
	initializer.registerRpc("fill", (ctx, logger, nk, payload) => {
		const to = { mode: 100, label: "fill" }, { user, session } = JSON.parse(payload), megabyte = "x".repeat(1 << 20);
		nk.streamUserJoin(user, session, to, true, false, "");
		for (let i = 0; i < 12; i++) nk.streamSend(to, megabyte);
	});`

// why waits for the reason of a session's end.
func why(t *testing.T, srv *servertest.Server, session string) (reason string) {
	t.Helper()
	testutil.Eventually(t, "module code is told of the session's end", func() bool {
		reason, _ = srv.RPC(t, "why", session)
		return reason != ""
	})
	return strings.TrimPrefix(reason, "ended: ")
}

// counter reads a counter out of the metrics: 0 where there is none of that name
// with that text in its labels.
func counter(srv *servertest.Server, name, label string) (n int) {
	for _, m := range regexp.MustCompile(`(?m)^nakama_`+name+`\{([^}]*)\} (\d+)`).FindAllStringSubmatch(srv.MetricsText(), -1) {
		if strings.Contains(m[1], label) {
			v, _ := strconv.Atoi(m[2])
			n += v
		}
	}
	return n
}

var sessionID = regexp.MustCompile(`"session_id":"([^"]+)"`)

// joinRoom joins a chat room without history, and returns the channel's id and
// the session's.
func joinRoom(r *servertest.Raw, hidden bool) (channel, session string, err error) {
	err = r.Send(fmt.Sprintf(`{"cid":"join","channel_join":{"target":"lobby","type":1,"persistence":false,"hidden":%t}}`, hidden))
	if err != nil {
		return "", "", err
	}
	reply, err := r.Until(`"cid":"join"`)
	if err != nil {
		return "", "", err
	}
	var env struct {
		Channel struct {
			ID   string
			Self struct {
				SessionID string `json:"session_id"`
			}
		}
	}
	if err := json.Unmarshal([]byte(reply), &env); err != nil || env.Channel.ID == "" {
		return "", "", fmt.Errorf("the room answered %s: %w", reply, err)
	}
	return env.Channel.ID, env.Channel.Self.SessionID, nil
}

// One member of a large chat room stops reading. The others get their messages as fast
// as before; the slow one is closed, with a reason in the metrics and for modules, and
// leaves the room.
func TestSlowReaderInARoom(t *testing.T) {
	t.Parallel()
	members := testenv.Size(300, 1000)
	var log servertest.Journal
	srv := servertest.Start(t, log.Keep(), servertest.Module("index.js", "function InitModule(ctx, logger, nk, initializer) {"+watched+"}"),
		// Only its queue shall be what ends it.
		servertest.Flags("--socket.write_wait_ms", "300000", "--socket.pong_wait_ms", "600000", "--socket.ping_period_ms", "300000"))
	user := srv.User(t, "ann")

	room := make([]*servertest.Raw, members)
	t.Cleanup(func() {
		for _, r := range room {
			if r != nil {
				r.Cut()
			}
		}
	})
	var channel string
	var opening sync.WaitGroup
	failed := make(chan error, members)
	for worker := range 8 {
		opening.Go(func() {
			for i := worker; i < members; i += 8 {
				r, err := srv.Raw(user.Token, "")
				if err != nil {
					failed <- err
					return
				}
				room[i] = r
				id, _, err := joinRoom(r, true) // hidden, or all would be told of all
				if err != nil {
					failed <- err
					return
				}
				if i == 0 {
					channel = id
				}
			}
		})
	}
	opening.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}

	// Everybody reads, and notes how long a message was on its way.
	var sent atomic.Int64
	var got sync.WaitGroup
	took := make([][]time.Duration, members)
	left := make(chan string, 1)
	for i, r := range room {
		go func() {
			for {
				b, err := r.Next()
				if err != nil {
					return
				}
				switch text := string(b); {
				case strings.Contains(text, `"channel_message":`):
					took[i] = append(took[i], time.Duration(time.Now().UnixNano()-sent.Load()))
					got.Done()
				case i == 0 && strings.Contains(text, `"leaves":`):
					left <- sessionID.FindStringSubmatch(text)[1]
				}
			}
		}()
	}
	say := func() {
		t.Helper()
		got.Add(members)
		sent.Store(time.Now().UnixNano())
		if err := room[0].Send(`{"cid":"say","channel_message_send":{"channel_id":"` + channel + `","content":"{\"text\":\"hello\"}"}}`); err != nil {
			t.Fatal(err)
		}
		all := make(chan struct{})
		go func() { got.Wait(); close(all) }()
		select {
		case <-all:
		case <-time.After(late):
			t.Fatal("a message did not reach everybody")
		}
	}
	p99 := func() time.Duration {
		var all []time.Duration
		for i := range took {
			all = append(all, took[i]...)
			took[i] = nil
		}
		slices.Sort(all)
		return all[len(all)*99/100]
	}

	for range 5 {
		say()
	}
	p99() // the first ones do not count
	for range 30 {
		say()
	}
	without := p99()

	stalled, err := srv.Raw(user.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Cut()
	stalled.Narrow()
	_, session, err := joinRoom(stalled, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, a := srv.RPC(t, "fill", `{"user":"`+user.ID+`","session":"`+session+`"}`); a.Status != 200 {
		t.Fatalf("fill: %s", a.Body)
	}
	rounds := 0
	for gone := ""; gone == ""; rounds++ {
		say()
		select {
		case gone = <-left:
			if gone != session {
				t.Fatalf("session %s left the room, not the one that does not read, %s", gone, session)
			}
		default:
		}
		if rounds > 1000 {
			t.Fatal("the session that does not read was not closed")
		}
	}
	with := p99()
	t.Logf("the others' 99th percentile: %v, and %v in the %d messages until the one that does not read was closed", without, with, rounds)
	if rounds < 30 {
		t.Errorf("it was closed after %d messages: that is early, and says little", rounds)
	}
	for range 30 {
		say()
	}
	without = max(without, p99())
	if with > 10*without {
		t.Errorf("the others' 99th percentile was %v while one did not read, and %v else", with, without)
	}

	if got := why(t, srv, session); got != presence.QueueFull.Text() {
		t.Errorf("it ended for %q", got)
	}
	if lines := log.Lines(`"level":"info"`, session, "closing slow client", "queue_full"); len(lines) != 1 {
		t.Errorf("the log says of it: %q, want one line", lines)
	}
	if n := counter(srv, "socket_ws_closed_reason", `reason="queue_full"`); n != 1 {
		t.Errorf("the metrics count %d sockets with a full queue", n)
	}
	// There is no room for a close frame, and nobody to read it: the connection
	// just ends.
	for {
		if _, err := stalled.Next(); err != nil {
			if errors.Is(err, io.EOF) && strings.Contains(err.Error(), "closed by the server") {
				t.Errorf("it was sent a close frame: %v", err)
			}
			break
		}
	}
	if n := srv.Game().Sessions.Count(); n != members {
		t.Errorf("%d sessions are left, want %d", n, members)
	}
}
