package metrics

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// family is a set of values by key that only grows. Finding one that exists
// takes no lock: the map is replaced, never changed.
type family[T any] struct {
	known atomic.Pointer[map[string]*T]
	grow  sync.Mutex
	limit int // most keys, 0: no limit; beyond it everything counts as "_other"
}

// get finds the value of key, or adds it.
func (f *family[T]) get(key string, make func() *T) *T {
	if known := f.known.Load(); known != nil {
		if v := (*known)[key]; v != nil {
			return v
		}
	}
	f.grow.Lock()
	defer f.grow.Unlock()
	known := f.all()
	if f.limit > 0 && len(known) >= f.limit {
		key = otherKey
	}
	if v := known[key]; v != nil {
		return v
	}
	next := maps.Clone(known)
	if next == nil {
		next = map[string]*T{}
	}
	v := make()
	next[key] = v
	f.known.Store(&next)
	return v
}

const otherKey = "_other"

// maxLabel is the length in bytes that values of labels are cut to. Clients
// choose some of them, and scripts pass on what clients chose; what a metric is
// named after stays in memory for good.
const maxLabel = 128

// label bounds a value of a label.
func label(value string) string {
	if len(value) > maxLabel {
		value = value[:maxLabel]
	}
	return strings.Clone(strings.ToValidUTF8(value, "\ufffd")) // of what may be a part of a request
}

// all is the map of the moment; it must not be changed.
func (f *family[T]) all() map[string]*T {
	if known := f.known.Load(); known != nil {
		return *known
	}
	return nil
}
