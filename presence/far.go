package presence

import (
	"slices"

	"github.com/gofrs/uuid/v5"
)

// farSession is a session of another node. It implements Queuer: what is sent to
// it goes to its node. It is immutable, apart from its node's state.
type farSession struct {
	id, user uuid.UUID
	username string
	node     *Replica
}

// farEntry is a session of another node on a stream. There are many of them: a
// Presence is made when somebody asks for it.
type farEntry struct {
	session   *farSession
	status    string
	admission uint64
	flags     flags
}

// farList holds the presences of other nodes on one stream, in order of arrival,
// and their number per node, which says where messages for the stream go.
type farList struct {
	entries []farEntry
	nodes   []nodeCount // nil for few entries, which are counted when asked
}

type nodeCount struct {
	node *Replica
	n    int
}

// uncounted is the length up to which a list has no numbers per node: most lists
// have one entry, a status, and would double by them.
const uncounted = 4

// find returns the index of a session, or -1. byID says that its entry may have
// another record of the session; then records are read, not only pointers.
func (l *farList) find(s *farSession, byID bool) int {
	for i := range l.entries {
		if l.entries[i].session == s {
			return i
		}
	}
	if byID {
		return l.findID(s.id)
	}
	return -1
}

func (l *farList) findID(id uuid.UUID) int {
	return slices.IndexFunc(l.entries, func(e farEntry) bool { return e.session.id == id })
}

func (l *farList) add(e farEntry) {
	l.entries = append(l.entries, e)
	switch n := len(l.entries); {
	case n == uncounted+1:
		for i := range l.entries {
			l.count(l.entries[i].session.node, 1)
		}
	case n > uncounted:
		l.count(e.session.node, 1)
	}
}

func (l *farList) remove(i int) {
	node := l.entries[i].session.node
	l.entries = slices.Delete(l.entries, i, i+1)
	l.removed(node, 1)
}

// removed adjusts the numbers after n entries of a node were removed.
func (l *farList) removed(node *Replica, n int) {
	switch {
	case len(l.entries) <= uncounted:
		l.nodes = nil
	case l.nodes != nil:
		l.count(node, -n)
	}
}

func (l *farList) count(node *Replica, n int) {
	i := slices.IndexFunc(l.nodes, func(c nodeCount) bool { return c.node == node })
	switch {
	case i < 0:
		l.nodes = append(l.nodes, nodeCount{node, n})
	case l.nodes[i].n+n == 0:
		l.nodes = slices.Delete(l.nodes, i, i+1)
	default:
		l.nodes[i].n += n
	}
}

// appendNodes appends the ids of the nodes that have presences in the list.
func (l *farList) appendNodes(to []NodeID) []NodeID {
	if l.nodes != nil {
		for _, c := range l.nodes {
			to = append(to, c.node.id)
		}
		return to
	}
	for i := range l.entries {
		if id := l.entries[i].session.node.id; !slices.Contains(to, id) {
			to = append(to, id)
		}
	}
	return to
}

// presence returns the entry as others see it.
func (e *farEntry) presence(stream Stream) *Presence {
	s := e.session
	return &Presence{
		ID: ID{Node: s.node.name, Session: s.id}, Stream: stream, UserID: s.user,
		Meta: Meta{Hidden: e.flags&flagHidden != 0, Persistence: e.flags&flagPersistence != 0, Username: s.username, Status: e.status, Admission: e.admission},
	}
}

func (e *farEntry) sum(streamHash uint64) uint64 {
	return sumOf(e.session.id, streamHash, e.session.username, e.status, e.flags)
}

// eachFar calls visit for the presences that other nodes have on a stream, with
// the stream's shard locked.
func (t *Tracker) eachFar(stream Stream, visit func(*farEntry)) {
	shard := t.shard(t.slot(stream))
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	if l := shard.far[stream]; l != nil {
		for i := range l.entries {
			visit(&l.entries[i])
		}
	}
}

// countFar returns the number of presences that other nodes have on a stream. Its
// shard is locked.
func (s *streamShard) countFar(stream Stream) int {
	if l := s.far[stream]; l != nil {
		return len(l.entries)
	}
	return 0
}
