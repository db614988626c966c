package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// fakeServer implements what the scenarios need of the protocol, with the
// protocol's own library, so that it shares no code with what it tests.
type fakeServer struct {
	mu      sync.Mutex
	matches map[string]map[*fakeSession]bool // rooms and parties too
	ticket  *fakeSession                     // has a ticket that waits for another
	filter  bool                             // filter words from chat messages
	seen    map[string]int                   // requests by method and path
	stop    chan struct{}
	running sync.WaitGroup
}

type fakeSession struct {
	mu     sync.Mutex
	token  string
	conn   *websocket.Conn
	binary bool
}

const fakeMatch = "11111111-2222-3333-4444-555555555555.fake"

func newFake() *fakeServer {
	return &fakeServer{matches: map[string]map[*fakeSession]bool{}, seen: map[string]int{}, stop: make(chan struct{})}
}

// listen serves until it fails.
func (f *fakeServer) listen(address string) error { return http.ListenAndServe(address, f) }

func startFake(t *testing.T) (*fakeServer, string) {
	t.Helper()
	f := newFake()
	s := httptest.NewServer(f)
	f.running.Go(f.tick)
	t.Cleanup(func() {
		close(f.stop)
		s.CloseClientConnections()
		s.Close()
		f.running.Wait()
	})
	return f, s.Listener.Addr().String()
}

// count adds to a counter and returns it.
func (f *fakeServer) count(what string, add int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[what] += add
	return f.seen[what]
}

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.count(r.Method+" "+r.URL.Path, 1)
	body, _ := io.ReadAll(r.Body)
	authorization := r.Header.Get("Authorization")
	user, _, basic := r.BasicAuth()
	switch r.URL.Path {
	case "/healthcheck":
		fmt.Fprint(w, "{}")
	case "/v2/account/authenticate/device":
		var device struct{ ID string }
		if !basic || (user != "thekey" && user != "defaultkey") || json.Unmarshal(body, &device) != nil || len(device.ID) < 10 {
			http.Error(w, `{"code":16,"message":"Server key invalid"}`, http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"created":true,"token":%q}`, fakeToken(device.ID))
	case "/v2/rpc/echo", "/v2/rpc/make":
		var payload string
		ok := strings.HasPrefix(authorization, "Bearer h.") || r.FormValue("http_key") == "thehttpkey"
		if !ok || json.Unmarshal(body, &payload) != nil {
			http.Error(w, `{"code":16}`, http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/v2/rpc/make" && strings.Contains(payload, "label") {
			f.count("labelled", 1)
		}
		if r.URL.Path == "/v2/rpc/make" {
			payload = fakeMatch
		}
		// A large response without a length is sent in chunks.
		w.(http.Flusher).Flush()
		_ = json.NewEncoder(w).Encode(map[string]string{"payload": payload})
	case "/v2/storage":
		if !strings.HasPrefix(authorization, "Bearer h.") || !strings.Contains(string(body), `"collection":"bench`) {
			http.Error(w, `{"code":16}`, http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{}`)
	case "/v2/leaderboard/bench", "/v2/iap/purchase/samsung", "/v2/iap/purchase/facebookinstant":
		fmt.Fprint(w, `{}`)
	case "/v2/match":
		if !strings.HasPrefix(authorization, "Bearer h.") || !strings.Contains(r.FormValue("query"), "label.mode:arena") {
			http.Error(w, `{"code":16}`, http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"matches":[]}`)
	case "/v2/kumi/reload":
		fmt.Fprint(w, `{"version":"2-0"}`)
	case "/metrics":
		fmt.Fprint(w, "# HELP x_sessions\nx_sessions{node=\"a\"} 7\nx_presences 8\nother_sum 1\ngo_goroutines 9\n")
	case "/ws":
		f.socket(w, r)
	default:
		if strings.HasPrefix(r.URL.Path, "/v2/leaderboard/bench/owner/") {
			fmt.Fprint(w, `{}`)
			return
		}
		http.NotFound(w, r)
	}
}

func fakeToken(device string) string { return "h." + fakeClaims("user of "+device) + ".s" }

func fakeClaims(user string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"uid":"` + user + `"}`))
}

func (f *fakeServer) socket(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.FormValue("token"), "h.") {
		http.Error(w, "Missing or invalid token", http.StatusUnauthorized)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	s := &fakeSession{token: r.FormValue("token"), conn: conn, binary: r.FormValue("format") == "protobuf"}
	// A message pushed by the server must not confuse a scenario.
	s.send(&rtapi.Envelope{Message: &rtapi.Envelope_StatusPresenceEvent{StatusPresenceEvent: &rtapi.StatusPresenceEvent{}}})
	for {
		_, b, err := conn.Read(context.Background())
		if err != nil {
			break
		}
		var in rtapi.Envelope
		if s.binary {
			err = proto.Unmarshal(b, &in)
		} else {
			err = protojson.Unmarshal(b, &in)
		}
		if err != nil {
			break
		}
		f.handle(s, &in)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, members := range f.matches {
		delete(members, s)
	}
}

func (f *fakeServer) handle(s *fakeSession, in *rtapi.Envelope) {
	switch m := in.Message.(type) {
	case *rtapi.Envelope_Rpc:
		if m.Rpc.Id != "echo" {
			s.send(&rtapi.Envelope{Cid: in.Cid, Message: &rtapi.Envelope_Error{Error: &rtapi.Error{Code: 6, Message: "RPC function not found"}}})
			return
		}
		s.send(&rtapi.Envelope{Cid: in.Cid, Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: m.Rpc.Id, Payload: m.Rpc.Payload}}})
	case *rtapi.Envelope_MatchCreate:
		f.join(s, "relayed.")
		s.send(&rtapi.Envelope{Cid: in.Cid, Message: &rtapi.Envelope_Match{Match: &rtapi.Match{MatchId: "relayed."}}})
	case *rtapi.Envelope_MatchJoin:
		f.join(s, m.MatchJoin.GetMatchId())
		s.send(&rtapi.Envelope{Cid: in.Cid, Message: &rtapi.Envelope_Match{Match: &rtapi.Match{MatchId: m.MatchJoin.GetMatchId()}}})
	case *rtapi.Envelope_MatchDataSend:
		if m.MatchDataSend.MatchId == fakeMatch {
			f.count("input "+string(m.MatchDataSend.Data), 1)
			return
		}
		f.broadcast(m.MatchDataSend.MatchId, s, m.MatchDataSend.Data)
	default:
		f.handleGroups(s, in)
	}
}

func (f *fakeServer) join(s *fakeSession, match string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.matches[match] == nil {
		f.matches[match] = map[*fakeSession]bool{}
	}
	f.matches[match][s] = true
}

func (f *fakeServer) broadcast(match string, from *fakeSession, data []byte) {
	f.sendTo(match, from, &rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: &rtapi.MatchData{
		MatchId: match, OpCode: 1, Data: data, Presence: &rtapi.UserPresence{UserId: "u", SessionId: "s", Username: "n"},
	}}})
}

// sendTo sends to all members of a group except from.
func (f *fakeServer) sendTo(group string, from *fakeSession, out *rtapi.Envelope) {
	f.mu.Lock()
	var to []*fakeSession
	for s := range f.matches[group] {
		if s != from {
			to = append(to, s)
		}
	}
	f.mu.Unlock()
	for _, s := range to {
		s.send(out)
	}
}

func (f *fakeServer) tick() {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-ticker.C:
			f.broadcast(fakeMatch, nil, []byte(`{"tick":1}`))
		}
	}
}

func (s *fakeSession) send(m *rtapi.Envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.binary {
		b, _ := proto.Marshal(m)
		_ = s.conn.Write(context.Background(), websocket.MessageBinary, b)
		return
	}
	b, _ := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	_ = s.conn.Write(context.Background(), websocket.MessageText, b)
}
