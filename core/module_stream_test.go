package core

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

// sock is a session that keeps what is sent to it.
type sock struct {
	id, user uuid.UUID
	mu       sync.Mutex
	got      []*rtapi.Envelope
	closed   []presence.CloseReason
}

func (s *sock) ID() uuid.UUID           { return s.id }
func (s *sock) UserID() uuid.UUID       { return s.user }
func (s *sock) Username() string        { return "ann" }
func (s *sock) Format() presence.Format { return presence.JSON }

func (s *sock) Send(m *presence.Message) {
	b, err := m.Bytes(presence.JSON)
	if err != nil {
		panic(err)
	}
	env, err := presence.Decode(b, presence.JSON)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, env)
}

func (s *sock) Close(r presence.CloseReason, _ ...*presence.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = append(s.closed, r)
}

func (s *sock) data() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.got {
		if d := e.GetStreamData(); d != nil {
			all = append(all, d.Data)
		}
		if n := e.GetPong(); n != nil {
			all = append(all, "pong")
		}
	}
	s.got = nil
	return all
}

// live is a core with the parts that realtime functions need.
func live(t *testing.T) (*Module, *presence.Tracker, func() *sock) {
	t.Helper()
	sessions := presence.NewSessions()
	tracker := presence.NewTracker(presence.TrackerOptions{Node: "here", Sessions: sessions})
	router := presence.NewRouter(tracker)
	matches := match.NewRegistry(match.Options{Node: "here", Tracker: tracker, Router: router})
	t.Cleanup(func() { matches.Stop(context.Background(), 0); tracker.Close() })
	c := New(Options{Config: &testConfig{}, Sessions: sessions, Tracker: tracker, Router: router, Matches: matches})
	return c.Module(), tracker, func() *sock {
		id, err := presence.NewSessionID(presence.NodeHash("here"))
		if err != nil {
			t.Fatal(err)
		}
		s := &sock{id: id, user: uuid.Must(uuid.NewV4())}
		sessions.Add(s)
		return s
	}
}

func TestStreamFunctions(t *testing.T) {
	t.Parallel()
	m, tracker, socket := live(t)
	a, b, out := socket(), socket(), socket()
	subject := uuid.Must(uuid.NewV4()).String()
	join := func(s *sock, hidden bool) bool {
		t.Helper()
		isNew, err := m.StreamUserJoin(99, subject, "", "l", s.user.String(), s.id.String(), hidden, true, "hi")
		if err != nil {
			t.Fatal(err)
		}
		return isNew
	}
	if !join(a, false) || join(a, false) || !join(b, true) {
		t.Error("join tells wrongly who is new")
	}
	if n, err := m.StreamCount(99, subject, "", "l"); n != 2 || err != nil {
		t.Errorf("count %d, %v", n, err)
	}
	seen, err := m.StreamUserList(99, subject, "", "l", false, true)
	if err != nil || len(seen) != 1 || seen[0].GetSessionId() != a.id.String() || seen[0].GetStatus() != "hi" || !seen[0].GetPersistence() || seen[0].GetUsername() != "ann" || seen[0].GetNodeId() != "here" {
		t.Errorf("list %v, %v", seen, err)
	}
	if err := m.StreamUserUpdate(99, subject, "", "l", a.user.String(), a.id.String(), false, false, "new"); err != nil {
		t.Error(err)
	}
	if meta, err := m.StreamUserGet(99, subject, "", "l", a.user.String(), a.id.String()); err != nil || meta.GetStatus() != "new" || meta.GetPersistence() {
		t.Errorf("get %v, %v", meta, err)
	}
	if meta, err := m.StreamUserGet(99, subject, "", "l", out.user.String(), out.id.String()); err != nil || meta != nil {
		t.Errorf("get of a stranger %v, %v: it must be a plain nil", meta, err)
	}
	check := func(what string, want [3][]string) {
		t.Helper()
		for i, s := range []*sock{a, b, out} {
			if got := s.data(); !slices.Equal(got, want[i]) {
				t.Errorf("%s: %d got %q, want %q", what, i, got, want[i])
			}
		}
	}
	tracker.Close()
	check("before", [3][]string{})
	if err := m.StreamSend(99, subject, "", "l", "x", nil, true); err != nil {
		t.Error(err)
	}
	check("send", [3][]string{{"x"}, {"x"}, nil})
	if err := m.StreamSendRaw(99, subject, "", "l", &rtapi.Envelope{Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}}, []runtime.Presence{&presence.Presence{ID: presence.ID{Session: out.id}}}, true); err != nil {
		t.Error(err)
	}
	check("send to one", [3][]string{nil, nil, {"pong"}})
	if err := m.StreamSend(99, subject, "", "l", "\xff", nil, true); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("text that is not UTF-8: %v", err)
	}
	if err := m.StreamUserKick(99, subject, "", "l", seen[0]); err != nil {
		t.Error(err)
	}
	if err := m.StreamUserLeave(99, subject, "", "l", b.user.String(), b.id.String()); err != nil {
		t.Error(err)
	}
	if n, _ := m.StreamCount(99, subject, "", "l"); n != 0 {
		t.Errorf("%d left after kick and leave", n)
	}
	join(a, false)
	if err := m.StreamClose(99, subject, "", "l"); err != nil {
		t.Error(err)
	}
	if n, _ := m.StreamCount(99, subject, "", "l"); n != 0 {
		t.Errorf("%d left after close", n)
	}
}

func TestStreamErrors(t *testing.T) {
	t.Parallel()
	m, _, socket := live(t)
	a := socket()
	foreign := uuid.Must(uuid.NewV1())
	gone, _ := presence.NewSessionID(presence.NodeHash("here"))
	for _, c := range []struct {
		name                   string
		subject, user, session string
		want                   error
		code                   fault.Code
	}{
		{"subject", "x", a.user.String(), a.id.String(), nil, fault.InvalidArgument},
		{"user", "", "x", a.id.String(), nil, fault.InvalidArgument},
		{"session", "", a.user.String(), "x", nil, fault.InvalidArgument},
		{"other node", "", a.user.String(), foreign.String(), errNodeNotFound, fault.NotFound},
		{"unknown session", "", a.user.String(), gone.String(), errSessionNotFound, fault.NotFound},
		{"another's session", "", uuid.Must(uuid.NewV4()).String(), a.id.String(), errSessionNotFound, fault.NotFound},
	} {
		_, err := m.StreamUserJoin(99, c.subject, "", "", c.user, c.session, false, false, "")
		if fault.CodeOf(err) != c.code || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want code %d", c.name, err, c.code)
		}
	}
}

func TestSessionDisconnect(t *testing.T) {
	t.Parallel()
	m, tracker, socket := live(t)
	a := socket()
	if _, _, err := tracker.Track(a.id, presence.Stream{Mode: 9}, presence.Meta{}); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := m.SessionDisconnect(ctx, "x"); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("bad id: %v", err)
	}
	if err := m.SessionDisconnect(ctx, a.id.String(), 9); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("bad reason: %v", err)
	}
	if err := m.SessionDisconnect(ctx, uuid.Must(uuid.NewV4()).String()); err != nil {
		t.Errorf("unknown session: %v", err)
	}
	var why runtime.PresenceReason
	tracker.Listen(9, func(_ presence.Stream, _, leave *presence.Presence) { why = leave.Reason })
	if err := m.SessionDisconnect(ctx, a.id.String(), runtime.PresenceReasonLeave); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.closed, []presence.CloseReason{presence.Disconnected}) || why != runtime.PresenceReasonLeave || tracker.Total() != 0 {
		t.Errorf("closed %v, reason %d, %d presences left", a.closed, why, tracker.Total())
	}
}

func TestListMatchesArguments(t *testing.T) {
	t.Parallel()
	m, _, _ := live(t)
	n := wrapperspb.Int32
	for _, c := range []struct {
		name string
		in   *api.ListMatchesRequest
		code fault.Code
	}{
		{"default", &api.ListMatchesRequest{}, fault.OK},
		{"no limit", &api.ListMatchesRequest{Limit: n(0)}, fault.InvalidArgument},
		{"limit", &api.ListMatchesRequest{Limit: n(101)}, fault.InvalidArgument},
		{"label of relayed", &api.ListMatchesRequest{Authoritative: wrapperspb.Bool(false), Label: wrapperspb.String("x")}, fault.InvalidArgument},
		{"negative", &api.ListMatchesRequest{MinSize: n(-1)}, fault.InvalidArgument},
		{"negative most", &api.ListMatchesRequest{MaxSize: n(-1)}, fault.InvalidArgument},
		{"crossed", &api.ListMatchesRequest{MinSize: n(2), MaxSize: n(1)}, fault.InvalidArgument},
		{"query", &api.ListMatchesRequest{Query: wrapperspb.String("+label.a:1")}, fault.OK},
		{"bad query", &api.ListMatchesRequest{Query: wrapperspb.String("+label.a:")}, fault.Internal},
	} {
		if _, err := m.core.ListMatches(context.Background(), c.in); fault.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want code %d", c.name, err, c.code)
		}
	}
	if _, err := m.MatchCreate(context.Background(), "", nil); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("create without a name: %v", err)
	}
}
