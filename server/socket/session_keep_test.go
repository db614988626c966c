package socket

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gofrs/uuid/v5"

	"kumi/config"
	"kumi/core"
	"kumi/modules"
	"kumi/presence"
	"kumi/rpc"
	"kumi/store/storetest"
)

// Listeners of the tracker send to sessions while the tracker is locked. A session that is
// being kept must not wait for the tracker with its outbox locked.
func TestKeepLocksOneAfterTheOther(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	ann := r.player("ann", presence.JSON)
	ann.call(ping())
	s := r.sessions.OfUser(ann.user)[0].(*session)
	ann.park(s)
	stream := presence.Stream{Mode: 200, Subject: uuid.Must(uuid.NewV4())}
	kept := make(chan *kept)
	r.tracker.Listen(stream.Mode, func(_ presence.Stream, join, _ *presence.Presence) {
		if join == nil {
			return
		}
		go func() { kept <- s.keep(t.Context()) }()
		eventually(t, "it is being kept", func() bool {
			if !s.out.mu.TryLock() {
				return false
			}
			defer s.out.mu.Unlock()
			return s.out.ended
		})
		s.Send(streamed("late"))
	})
	if _, _, err := r.tracker.Track(s.id, stream, presence.Meta{Username: "ann"}); err != nil {
		t.Fatal(err)
	}
	if k := <-kept; k == nil || len(k.Queue) != 0 || len(k.Presences) != 2 {
		t.Errorf("kept %+v", k)
	}
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// What a connection does not take any more is kept.
func TestKeepWaitsForTheWriter(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	user := uuid.Must(uuid.NewV4())
	r.pipeSocket(r.token(user, "ann"))
	s := r.sessions.OfUser(user)[0].(*session)
	s.Send(streamed("first"))
	eventually(t, "it is being written", func() bool { return s.out.conn.net.writing() > 0 })
	s.Send(streamed("second"))
	if err := r.Suspend(over()); err == nil {
		t.Error("the connection was closed in time")
	}
	if k := s.keep(t.Context()); k == nil || len(k.Queue) != 2 {
		t.Errorf("kept %+v", k)
	}
}

// Messages that are sent while a server suspends its sessions are sent or kept.
func TestSuspendLosesNothing(t *testing.T) {
	t.Parallel()
	for range 40 {
		r := parkingServer(t, 600)
		ann := r.player("ann", presence.JSON)
		ann.call(ping())
		s := r.sessions.OfUser(ann.user)[0].(*session)
		sent := make(chan int)
		go func() {
			n := 0
			for !s.lacksConnection() {
				s.out.mu.Lock()
				room := len(s.out.queue) < s.limits.outgoing
				s.out.mu.Unlock()
				if room {
					s.Send(streamed(fmt.Sprint(n)))
					n++
				}
			}
			sent <- n
		}()
		read := make(chan int)
		go func() {
			for n := 0; ; n++ {
				if _, err := ann.next(); err != nil {
					read <- n
					return
				}
			}
		}()
		if err := r.Suspend(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, m := <-sent, <-read
		if k := s.keep(t.Context()); k == nil || n != m+len(k.Queue) {
			t.Fatalf("of %d messages %d were sent; kept %+v", n, m, k)
		}
	}
}

// callingServer has an RPC that takes until release, or its context ends, and one that is
// counted. The client that called both has lost its connection.
func callingServer(t *testing.T) (r *testServer, s *session, release chan struct{}, puts *atomic.Int32) {
	entered := make(chan struct{}, 1)
	release, puts = make(chan struct{}), new(atomic.Int32)
	r = parkingServer(t, 600, func(_ *config.Config, set *modules.Set) {
		set.RPC.Set(&rpc.Function{ID: "slow", Call: func(ctx context.Context, _ string) (string, error) {
			entered <- struct{}{}
			select {
			case <-release:
			case <-ctx.Done():
			}
			return "", ctx.Err()
		}})
		set.RPC.Set(&rpc.Function{ID: "put", Call: func(context.Context, string) (string, error) { puts.Add(1); return "", nil }})
	})
	ann := r.player("ann", presence.JSON)
	ann.send(callRPC("slow", ""))
	ann.send(callRPC("put", ""))
	<-entered
	s = r.sessions.OfUser(ann.user)[0].(*session)
	eventually(t, "the second call waits", func() bool {
		s.in.mu.Lock()
		defer s.in.mu.Unlock()
		return len(s.in.queue) == 1
	})
	ann.park(s)
	eventually(t, "the connection is closed", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.sockets == 0
	})
	return r, s, release, puts
}

// What a client asked for before its connection broke is done before the server stops.
func TestSuspendWaitsForParkedCalls(t *testing.T) {
	t.Parallel()
	r, s, release, puts := callingServer(t)
	suspended := make(chan error)
	go func() { suspended <- r.Suspend(t.Context()) }()
	eventually(t, "the server stops", s.draining.Load)
	select {
	case release <- struct{}{}:
	case <-suspended:
		t.Fatal("suspended during a call")
	}
	if err := <-suspended; err != nil || puts.Load() != 1 {
		t.Errorf("suspended with %v after %d of 1 calls", err, puts.Load())
	}
	if s.keep(t.Context()) == nil {
		t.Error("the session is not kept")
	}
}

// Calls that wait when the time to stop is over are dropped: the database closes next.
func TestKeepDropsCalls(t *testing.T) {
	t.Parallel()
	r, s, release, puts := callingServer(t)
	if err := r.Suspend(over()); err == nil {
		t.Error("suspended in time")
	}
	if s.keep(t.Context()) == nil {
		t.Error("the session is not kept")
	}
	close(release)
	s.in.waitIdle(t.Context())
	if puts.Load() != 0 {
		t.Error("a call was made after the session was kept")
	}
}

// Sessions that cannot be written have ended when Keep returns: the database and the queue
// of events are closed next.
func TestKeepFails(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	for range 20 {
		r.player("ann", presence.JSON).call(ping())
	}
	if err := r.Suspend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Keep(over(), core.NewKeptSessions(storetest.SQLite(t), "a")); err == nil {
		t.Error("kept without time")
	}
	if n := len(r.ended); n != 20 || r.sessions.Count() != 0 {
		t.Errorf("%d sessions have ended and %d are left, want 20 and none", n, r.sessions.Count())
	}
}
