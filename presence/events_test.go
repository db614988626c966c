package presence

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
)

func TestEventKinds(t *testing.T) {
	t.Parallel()
	a, b := uuid.Must(uuid.NewV4()), uuid.Must(uuid.NewV4())
	for _, c := range []struct {
		stream Stream
		check  func(*rtapi.Envelope) (joins []*rtapi.UserPresence, ok bool)
	}{
		{Stream{Mode: ModeRoom, Label: "x.y"}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			c := e.GetChannelPresenceEvent()
			return c.GetJoins(), c.GetChannelId() == "2...x.y" && c.RoomName == "x.y" && c.GroupId == ""
		}},
		{Stream{Mode: ModeGroup, Subject: a}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			c := e.GetChannelPresenceEvent()
			return c.GetJoins(), c.GetChannelId() == "3."+a.String()+".." && c.GroupId == a.String()
		}},
		{Stream{Mode: ModeDirect, Subject: a, Subcontext: b}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			c := e.GetChannelPresenceEvent()
			return c.GetJoins(), c.GetChannelId() == "4."+a.String()+"."+b.String()+"." && c.UserIdOne == a.String() && c.UserIdTwo == b.String()
		}},
		{RelayedMatch(a), func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			return e.GetMatchPresenceEvent().GetJoins(), e.GetMatchPresenceEvent().GetMatchId() == a.String()+"."
		}},
		{AuthoritativeMatch(a, "here"), func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			return e.GetMatchPresenceEvent().GetJoins(), e.GetMatchPresenceEvent().GetMatchId() == a.String()+".here"
		}},
		{Stream{Mode: ModeParty, Subject: a, Label: "here"}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			return e.GetPartyPresenceEvent().GetJoins(), e.GetPartyPresenceEvent().GetPartyId() == a.String()+".here"
		}},
		{Stream{Mode: 8, Subject: a, Subcontext: b, Label: "l"}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			s := e.GetStreamPresenceEvent().GetStream()
			return e.GetStreamPresenceEvent().GetJoins(), s.GetMode() == 8 && s.Subject == a.String() && s.Subcontext == b.String() && s.Label == "l"
		}},
	} {
		f := newField(0)
		s := f.session("ann")
		if _, _, err := f.Track(s.id, c.stream, Meta{Status: "not shown", Persistence: true}); err != nil {
			t.Fatal(err)
		}
		f.Tracker.Close()
		got := s.take()
		if len(got) != 1 {
			t.Fatalf("mode %d: got %v, want one event", c.stream.Mode, got)
		}
		joins, ok := c.check(got[0])
		if !ok || len(joins) != 1 || joins[0].SessionId != s.id.String() || joins[0].Username != "ann" || !joins[0].Persistence || joins[0].Status != nil {
			t.Errorf("mode %d: got %v", c.stream.Mode, got[0])
		}
	}
}

func TestEventsOrderAndRecipients(t *testing.T) {
	t.Parallel()
	f := newField(0)
	room := Stream{Mode: 8, Label: "room"}
	ann, bob, ghost := f.session("ann"), f.session("bob"), f.session("ghost")
	track := func(s *fake, m Meta) {
		t.Helper()
		if _, _, err := f.Track(s.id, room, m); err != nil {
			t.Fatal(err)
		}
		f.Tracker.Close()
	}
	track(ann, Meta{})
	track(ghost, Meta{Hidden: true})
	track(bob, Meta{})
	if n := len(ghost.take()); n != 1 {
		t.Errorf("the hidden one got %d events, want bob's join", n)
	}
	if n := len(ann.take()); n != 2 {
		t.Errorf("ann got %d events, want two joins", n)
	}
	_, _ = f.Update(bob.id, room, Meta{Status: "away"})
	f.Untrack(ghost.id, room, runtime.PresenceReasonLeave)
	f.Tracker.Close()
	e := ann.take()
	if len(e) != 1 || len(e[0].GetStreamPresenceEvent().Joins) != 1 || len(e[0].GetStreamPresenceEvent().Leaves) != 1 {
		t.Errorf("a change gave %v, want one event with a leave and a join", e)
	}
	bob.take()
	f.Untrack(bob.id, room, runtime.PresenceReasonLeave)
	f.Tracker.Close()
	if e := ann.take(); len(e) != 1 || e[0].GetStreamPresenceEvent().Leaves[0].Username != "bob" {
		t.Errorf("got %v, want bob's leave", e)
	}
	if n := len(bob.take()); n != 0 {
		t.Errorf("who left got %d events", n)
	}
	track(bob, Meta{})
	ann.take()
	f.UntrackStream(room, 0)
	f.Tracker.Close()
	if e := ann.take(); len(e) != 0 {
		t.Errorf("a closed stream told %v", e)
	}
}

// Events of one stream that are queued together are sent as one, except if a
// session joined and left, which stays in order.
func TestGrouping(t *testing.T) {
	t.Parallel()
	s := Stream{Mode: 8}
	p := func(n byte) *Presence { return &Presence{ID: ID{Session: uuid.UUID{n}}} }
	got := group([]event{
		{stream: s, join: p(1)}, {stream: s, join: p(2)}, {stream: Stream{Mode: 9}, join: p(1)},
		{stream: s, leave: p(1)}, {stream: s, join: p(3)}, {stream: s, join: p(1)}, {stream: s, join: p(4), leave: p(4)},
	})
	var lines []string
	for _, c := range got {
		line := fmt.Sprint(c.stream.Mode, ":")
		for _, j := range c.joins {
			line += fmt.Sprint(" +", j.Session[0])
		}
		for _, l := range c.leaves {
			line += fmt.Sprint(" -", l.Session[0])
		}
		lines = append(lines, line)
	}
	want := []string{"8: +1 +2", "9: +1", "8: +3 -1", "8: +1 +4 -4"}
	if !slices.Equal(lines, want) {
		t.Errorf("grouped as %q, want %q", lines, want)
	}
}

func TestFollowers(t *testing.T) {
	t.Parallel()
	f := newField(0)
	ann, fan, other := f.session("ann"), f.session("fan"), f.session("other")
	f.Follow(ann.id, ann.user)
	f.Follow(fan.id, ann.user, ann.user)
	_, _, _ = f.Track(ann.id, StatusOf(ann.user), Meta{Status: "here"})
	f.Tracker.Close()
	for _, s := range []*fake{ann, fan} {
		e := s.take()
		if len(e) != 1 || e[0].GetStatusPresenceEvent().GetJoins()[0].Status.GetValue() != "here" {
			t.Errorf("%s got %v", s.name, e)
		}
	}
	if len(other.take()) != 0 {
		t.Error("who does not follow was told")
	}
	if !f.Online(ann.user) || !slices.Equal(f.OnlineMany([]uuid.UUID{fan.user, ann.user}), []bool{false, true}) {
		t.Error("online is wrong")
	}
	f.Unfollow(fan.id, ann.user)
	f.End(ann.id, runtime.PresenceReasonDisconnect)
	f.Follow(ann.id, other.user)
	if len(f.follows.of(other.user)) != 0 || len(f.follows.of(ann.user)) != 0 {
		t.Error("a session that has ended follows somebody")
	}
	f.Tracker.Close()
	if len(fan.take()) != 0 || f.Online(ann.user) {
		t.Error("an unfollowed status was told, or the user stayed online")
	}
	for i := range f.follows {
		if left := f.follows[i].followers; len(left) != 0 {
			t.Errorf("follows are left: %v", left)
		}
	}
}

// A full event queue blocks callers that cause more events, and loses none.
func TestEventQueueBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newField(2)
		room := Stream{Mode: 8, Label: "room"}
		slow := &gate{fake: f.session("slow"), open: make(chan struct{})}
		f.sessions.Remove(slow.id)
		f.sessions.Add(slow)
		_, _, _ = f.Track(slow.id, room, Meta{})
		synctest.Wait() // the sender is blocked
		var done sync.WaitGroup
		for i := range 10 {
			s := f.session(fmt.Sprint(i))
			done.Go(func() { _, _, _ = f.Track(s.id, room, Meta{}) })
		}
		synctest.Wait()
		if n := f.Count(room); n >= 11 || n < 3 {
			t.Errorf("%d are on the stream, want the rest to wait", n)
		}
		close(slow.open)
		done.Wait()
		f.Tracker.Close()
		joins := 0
		for _, e := range slow.take() {
			joins += len(e.GetStreamPresenceEvent().GetJoins())
		}
		if joins != 11 {
			t.Errorf("%d joins were told of, want 11", joins)
		}
	})
}

type gate struct {
	*fake
	open chan struct{}
}

func (g *gate) Send(m *Message) { <-g.open; g.fake.Send(m) }
