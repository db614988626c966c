package match

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/store/fault"
)

// snapshotWriter writes snapshots in the background, on one goroutine, which exists while
// there is something to write. Of each match at most one write waits: the newest. A deletion
// that fails is tried again, or the match would come back at the next start.
type snapshotWriter struct {
	store SnapshotStore
	node  string // of the snapshots
	log   zerolog.Logger

	mu      sync.Mutex
	waiting map[uuid.UUID]write
	again   map[uuid.UUID]write // deletions that failed, until they are tried again
	idle    chan struct{}       // closed when nothing waits; nil: nothing does

	warned time.Time // of the writing goroutine
	failed int       // since then
}

// write saves the snapshot of a match, or deletes it if there is none.
type write struct {
	save *Snapshot
	done func(error) // called when it was written, failed or was replaced; may be nil

	tries int // of a deletion
}

func (w write) finish(err error) {
	if w.done != nil {
		w.done(err)
	}
}

const (
	// snapshotDeadline bounds one transaction.
	snapshotDeadline = 10 * time.Second
	// A transaction has at most so many snapshots and about so many bytes of states.
	maxSnapshotBatch = 64
	maxSnapshotBytes = 4 << 20
	// A deletion that fails is tried so often, with pauses.
	maxDeleteTries, deletePause = 30, 10 * time.Second
)

// put queues a write, in place of one of the same match that waits.
func (w *snapshotWriter) put(id uuid.UUID, x write) {
	w.mu.Lock()
	before := w.waiting[id]
	delete(w.again, id)
	w.queue(id, x)
	w.mu.Unlock()
	before.finish(errReplaced)
}

// errReplaced answers a write that a newer one of the same match has replaced.
var errReplaced = errors.New("a newer write has replaced the snapshot")

// queue adds a write. Callers hold the lock.
func (w *snapshotWriter) queue(id uuid.UUID, x write) {
	w.waiting[id] = x
	if w.idle == nil {
		w.idle = make(chan struct{})
		go w.run(w.idle)
	}
}

// retry tries a deletion again after a while, unless something newer is to be written.
func (w *snapshotWriter) retry(id uuid.UUID, x write) {
	if x.tries++; x.tries > maxDeleteTries {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, newer := w.waiting[id]; newer {
		return
	}
	if w.again == nil {
		w.again = map[uuid.UUID]write{}
	}
	w.again[id] = x
	time.AfterFunc(deletePause, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if now, ok := w.again[id]; ok && now.tries == x.tries {
			delete(w.again, id)
			w.queue(id, now)
		}
	})
}

// wait returns when nothing waits to be written, or when ctx is done.
func (w *snapshotWriter) wait(ctx context.Context) {
	w.mu.Lock()
	idle := w.idle
	w.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

func (w *snapshotWriter) run(idle chan struct{}) {
	for {
		batch := map[uuid.UUID]write{}
		size := 0
		w.mu.Lock()
		for id, x := range w.waiting {
			if len(batch) == maxSnapshotBatch || size > maxSnapshotBytes {
				break
			}
			if x.save != nil {
				size += len(x.save.State)
			}
			batch[id] = x
			delete(w.waiting, id)
		}
		if len(batch) == 0 {
			w.idle = nil
			w.mu.Unlock()
			close(idle)
			return
		}
		w.mu.Unlock()
		err := w.write(batch)
		for id, x := range batch {
			own := err
			if err != nil && len(batch) > 1 && !away(err) { // so that one does not cost the others theirs
				own = w.write(map[uuid.UUID]write{id: x})
			}
			w.note(id, own)
			if own != nil && x.save == nil {
				w.retry(id, x)
			}
			x.finish(own)
		}
	}
}

// away reports whether an error is that of a database that does not answer.
func away(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || fault.CodeOf(err) == fault.Unavailable
}

func (w *snapshotWriter) write(batch map[uuid.UUID]write) error {
	ctx, cancel := context.WithTimeout(context.Background(), snapshotDeadline)
	defer cancel()
	var save []*Snapshot
	var remove []uuid.UUID
	for id, x := range batch {
		if x.save != nil {
			save = append(save, x.save)
		} else {
			remove = append(remove, id)
		}
	}
	return w.store.WriteSnapshots(ctx, w.node, save, remove)
}

// note logs failed writes, at most every ten seconds.
func (w *snapshotWriter) note(id uuid.UUID, err error) {
	if err == nil {
		return
	}
	w.failed++
	if now := time.Now(); now.Sub(w.warned) > 10*time.Second {
		w.log.Error().Err(err).Stringer("match_id", id).Int("failed", w.failed).Msg("snapshots of matches cannot be written")
		w.warned, w.failed = now, 0
	}
}
