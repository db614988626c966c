package modules

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"pgregory.net/rapid"

	"kumi/match"
	"kumi/presence"
)

// sessionsOf returns those of members, in their order.
func sessionsOf(members []*presence.Presence) (all []uuid.UUID) {
	for _, p := range members {
		all = append(all, p.Session)
	}
	return all
}

// sameMembers compares who is in a replay with who was in the match.
func (m *steppedMatch) sameMembers(p *match.Replay, s *match.Step) {
	m.t.Helper()
	members, stepped := m.members[s.Tick]
	if s.Name() != "loop" || !stepped {
		return
	}
	got, want := sessionsOf(p.Members()), sessionsOf(members)
	if !slices.Equal(got, want) {
		m.t.Errorf("match %s: the replay of tick %d has the members %s, the match had %s", m.id, s.Tick, got, want)
	}
}

// sameTimeLine compares who is in the match in each tick of a recording with who was.
func (m *steppedMatch) sameTimeLine(f *match.RecordingFile) {
	m.t.Helper()
	sorted := func(members []*presence.Presence) []uuid.UUID {
		all := sessionsOf(members)
		slices.SortFunc(all, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
		return all
	}
	first, err := f.FirstTick()
	for tick := first; tick <= f.Tick && err == nil; tick++ {
		var members []*presence.Presence
		if _, members, err = f.ReadTick(tick); err != nil {
			break
		}
		want, stepped := m.members[tick]
		if stepped && !slices.Equal(sorted(members), sorted(want)) {
			m.t.Errorf("match %s: tick %d of the time line has the members %s, the match had %s", m.id, tick, sorted(members), sorted(want))
		}
	}
	if err != nil {
		m.t.Error(err)
	}
}

// play makes moves at random in a match. It begins with those who were in it, and returns
// those who are.
func (m *steppedMatch) play(rt *rapid.T, inside []*match.Joiner) []*match.Joiner {
	w := m.server
	if err := w.matches.Pause(context.Background(), m.id, true); err != nil {
		m.t.Fatal(err)
	}
	_, m.ticks, _, _ = w.matches.State(context.Background(), m.id)
	id, node, _ := match.ParseID(m.id)
	stream := presence.AuthoritativeMatch(id, node)
	away := inside
	inside = nil
	// another returns a session that is not in the match: of one who is away, of one who is in
	// the match with another session, or of somebody new.
	another := func() *match.Joiner {
		j := m.joiner(rapid.SampledFrom([]string{"ann", "bob", "cy"}).Draw(rt, "name"))
		from := rapid.IntRange(0, 2).Draw(rt, "who")
		switch {
		case len(away) > 0 && from > 0: // comes back, with the same session or a new one
			user := away[0]
			if rapid.Bool().Draw(rt, "same session") {
				j.Session = user.Session
			}
			j.UserID, j.Username, away = user.UserID, user.Username, away[1:]
		case len(inside) > 0 && from == 1:
			j.UserID, j.Username = inside[0].UserID, inside[0].Username
		}
		w.sessions.Add(&session{id: j.Session, user: j.UserID, name: j.Username, closed: make(chan presence.CloseReason, 1), arrived: make(chan struct{}, 100)})
		return j
	}
	join := func(j *match.Joiner) bool {
		_, err := w.matches.Join(context.Background(), match.JoinRequest{ID: m.id, Joiner: j})
		return err == nil
	}
	// put puts a session on the stream, as modules may.
	put := func(j *match.Joiner) bool {
		_, _, err := w.tracker.Track(j.Session, stream, presence.Meta{Username: j.Username})
		return err == nil
	}
	send := func(op int64) {
		if len(inside) > 0 {
			_ = w.matches.Data(inside[0].Session, &match.DataSend{ID: m.id, OpCode: op, Data: []byte("x"), Reliable: true})
		}
	}
	for range rapid.IntRange(1, 30).Draw(rt, "moves") {
		switch rapid.IntRange(0, 11).Draw(rt, "move") {
		case 0, 1:
			if j := another(); join(j) {
				inside = append(inside, j)
			}
		case 2:
			if j := another(); put(j) {
				inside = append(inside, j)
			}
		case 3: // at the same time: two sessions of a user, and one that is also put on the stream
			a, b := another(), another()
			second := m.joiner(a.Username)
			second.UserID = a.UserID
			w.sessions.Add(&session{id: second.Session, user: second.UserID, name: second.Username, closed: make(chan presence.CloseReason, 1), arrived: make(chan struct{}, 100)})
			var joins sync.WaitGroup
			for _, f := range []func(){func() { join(a) }, func() { join(second) }, func() { join(b) }, func() { put(b) }} {
				joins.Go(f)
			}
			joins.Wait()
			for _, j := range []*match.Joiner{a, b, second} {
				if w.tracker.Get(j.Session, stream) != nil {
					inside = append(inside, j)
				}
			}
		case 4, 5:
			if len(inside) > 0 {
				reason := rapid.SampledFrom([]runtime.PresenceReason{runtime.PresenceReasonLeave, runtime.PresenceReasonDisconnect}).Draw(rt, "reason")
				w.tracker.Untrack(inside[0].Session, stream, reason)
				inside = inside[1:]
			}
		case 6:
			_, _ = w.matches.Signal(context.Background(), m.id, "hello")
		case 7:
			send(cmp.Or(rapid.SampledFrom([]int64{0, 9}).Draw(rt, "op"), 3)) // 9: it is kicked
		case 8:
			send(3)
		default:
			m.step()
		}
	}
	m.step()
	_, _, _, _ = w.matches.State(context.Background(), m.id) // what was posted is handled
	return append(inside, away...)
}
