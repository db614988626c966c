package main

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kumi/bench/wire"
	"kumi/server/servertest"
	"kumi/store/storetest"
)

// testRelay has an address that stays the same while the server behind it gets another port: a port
// that the server released could be taken by another test.
type testRelay struct {
	listener net.Listener
	target   atomic.Value // address
}

func newRelay(t *testing.T) *testRelay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &testRelay{listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go r.serve()
	return r
}

func (r *testRelay) serve() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.pass(client.(*net.TCPConn))
	}
}

// pass passes the bytes of a connection on, until both sides have closed it.
func (r *testRelay) pass(client *net.TCPConn) {
	defer client.Close()
	conn, err := net.Dial("tcp", r.target.Load().(string))
	if err != nil {
		return
	}
	defer conn.Close()
	server := conn.(*net.TCPConn)
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(client, server)
		_ = client.CloseWrite()
	}()
	_, _ = io.Copy(server, client)
	_ = server.CloseWrite()
	<-back
}

// restartedServer is a server in this process.
type restartedServer struct {
	t       *testing.T
	options []servertest.Option
	relay   *testRelay
	now     *servertest.Server
}

func (s *restartedServer) start() (string, error) {
	var err error
	if s.now, err = servertest.TryStart(s.t, s.options...); err != nil {
		return "", err
	}
	s.relay.target.Store(strings.TrimPrefix(s.now.URL, "http://"))
	return s.relay.listener.Addr().String(), nil
}

func (s *restartedServer) stop(bool) error {
	s.now.Close()
	return nil
}

// A server that is stopped and started again under load loses no match and nothing that it
// acknowledged, sends nothing twice, and tells nobody that somebody left or came.
func TestRestartUnderLoad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		language, database string
		codec              wire.Codec
	}{
		{"js", "SQLite", wire.JSON{}},
		{"lua", "PostgreSQL", wire.Protobuf{}},
	} {
		t.Run(c.language+" on "+c.database, func(t *testing.T) {
			t.Parallel()
			data := []string{"--data_dir", t.TempDir()}
			if c.database == "PostgreSQL" {
				data = []string{"--database.address", storetest.Postgres(t)}
			}
			s := &restartedServer{t: t, relay: newRelay(t), options: []servertest.Option{
				servertest.Modules("restart/" + c.language), servertest.Flags(data...),
				servertest.Flags("--session.resume_sec", "600", "--match.resume_sec", "600", "--match.snapshot", "shutdown"),
			}}
			address, err := s.start()
			if err != nil {
				t.Fatal(err)
			}
			r := &restarting{matches: 20, players: 4, restarts: 1, duration: 300 * time.Millisecond, chat: 50 * time.Millisecond, codec: c.codec}
			report, err := r.run(t.Context(), s, &target{name: "server", address: address, serverKey: "defaultkey", httpKey: "defaulthttpkey", sources: newSources(1)})
			if err != nil {
				t.Fatal(err)
			}
			report.write(t.Output())
			if err := report.lost(); err != nil {
				t.Error(err)
			}
			if report.counted == 0 || report.acked == 0 || report.pause.total != 20 {
				t.Errorf("the load was %d messages to matches, %d chat messages, and %d pauses", report.counted, report.acked, report.pause.total)
			}
		})
	}
}

// What the report of a restart calls wrong.
func TestRestartReport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		report restartReport
		want   string
	}{
		{restartReport{}, ""},
		{restartReport{lostMatches: 2}, "2 matches were lost"},
		{restartReport{lostInputs: 3, lostChats: 1}, "3 acknowledged messages to matches were lost; 1 acknowledged chat messages were lost"},
		{restartReport{againInputs: 1, againChats: 4}, "1 messages to matches were counted twice; 4 chat messages were received twice"},
		{restartReport{presences: 5, joins: 1, leaves: 1}, "5 joins and leaves were told to others; 2 joins and leaves were told to matches"},
		{restartReport{restarting: &restarting{kill: true}, lostInputs: 9, presences: 9, joins: 9, lostChats: 9}, ""},
	} {
		if c.report.restarting == nil {
			c.report.restarting = &restarting{}
		}
		got := ""
		if err := c.report.lost(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.report, got, c.want)
		}
	}
}
