package match

import (
	"slices"
	"time"

	"kumi/presence"
)

// await puts the members of a snapshot and their messages into the match. They have
// Options.ResumeTime to come back, except those whose session was kept over the restart:
// they are on the stream. Of a match that another node hands over, these are only the members
// of that node whose sockets are closed.
func (m *Match) await(s *Snapshot, from *presence.NodeID) {
	deadline := time.Now().Add(m.reg.o.ResumeTime)
	for _, p := range s.Members {
		own := *p
		own.Stream = m.stream
		mem := &member{presence: &own, awaited: true, deadline: deadline}
		if from != nil {
			mem = m.memberOf(p, presence.OnNode(p.Session, *from) || slices.Contains(s.Away, p.Session))
		} else if on := m.reg.tracker.Get(p.Session, m.stream); on != nil {
			mem = &member{presence: on, session: m.reg.router.Session(p.Session), admission: on.Admission, arrived: true}
		}
		m.list = append(m.list, mem.presence)
		m.box.members[p.Session] = mem
	}
	m.size.Store(int32(len(m.list)))
	for _, d := range s.Input {
		if mem := m.box.members[d.Session]; mem != nil {
			own := *d
			own.Presence = mem.presence
			m.box.input = append(m.box.input, &own)
		}
	}
}

// awaited returns the member of a restored match that a joining session is: it itself, or
// another one of its user that has not come back; nil if there is none.
func (m *Match) awaited(j *Joiner) *presence.Presence {
	b := &m.box
	b.mu.Lock()
	defer b.mu.Unlock()
	if mem := b.members[j.Session]; mem != nil {
		if mem.awaited {
			return mem.presence
		}
		return nil
	}
	for _, p := range m.list {
		if mem := b.members[p.Session]; p.UserID == j.UserID && mem != nil && mem.awaited {
			return mem.presence
		}
	}
	return nil
}

// replace puts the presence p in the place of a member of a restored match that was away. If it
// is of the same session, it was never gone for the handler; otherwise the handler's Join
// follows, which appends it to the list. The lock of the mailbox must be held.
func (m *Match) replace(away, p *presence.Presence) (same bool) {
	same = away.Session == p.Session
	i := slices.IndexFunc(m.list, func(q *presence.Presence) bool { return q.Session == away.Session })
	switch {
	case i < 0: // kicked meanwhile
		return false
	case same:
		m.list[i] = p
	default:
		m.list = slices.Delete(m.list, i, i+1)
	}
	delete(m.box.members, away.Session)
	return same
}

// present returns the members, without those of a restored match that have not come back.
func (m *Match) present() []*presence.Presence {
	b := &m.box
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.list), func(p *presence.Presence) bool {
		mem := b.members[p.Session]
		return mem != nil && mem.awaited
	})
}
