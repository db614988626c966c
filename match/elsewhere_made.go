package match

import (
	"sync"

	"github.com/gofrs/uuid/v5"
)

// madeElsewhere has the last matches that this node has made on other nodes, for EndUnused.
type madeElsewhere struct {
	mu   sync.Mutex
	ring [256]madeMatch
	next int
}

type madeMatch struct {
	id      uuid.UUID
	created int64 // Registry.creation
}

func (l *madeElsewhere) add(id uuid.UUID, created int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring[l.next%len(l.ring)] = madeMatch{id, created}
	l.next++
}

// after reports whether a match is among them and was made later than newest.
func (l *madeElsewhere) after(id uuid.UUID, newest int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.ring {
		if m.id == id {
			return m.created > newest
		}
	}
	return false
}
