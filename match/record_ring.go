package match

import (
	"slices"
	"sync"
	"time"
)

// segment is a part of a recording. It is compressed in the background, so the bytes are
// guarded by a mutex.
type segment struct {
	number int       // in the recording
	tick   int64     // at its beginning
	began  time.Time // when it was that tick
	whole  bool      // it begins with the whole state
	raw    int       // bytes before they are compressed

	mu         sync.Mutex
	data       []byte
	compressed bool
	dropped    bool
}

// ring has the last segments of a recording that are not in a file. It belongs to the match's
// goroutine, and to the writer after the match has ended.
type ring struct {
	recorder *Recorder
	segments []*segment
	added    int // segments until now
	grown    int // bytes of the match's beginning
}

// grow counts bytes that are not in a segment.
func (r *ring) grow(n int) {
	r.grown += n
	r.recorder.used.Add(int64(n))
}

// add appends a segment, which is complete, and drops the oldest while there are too many
// bytes.
func (r *ring) add(s *segment, data []byte) {
	s.data, s.raw, s.number = data, len(data), r.added
	r.added++
	r.segments = append(slices.DeleteFunc(r.segments, func(s *segment) bool { return s.size() == 0 }), s) // without those in the file
	r.recorder.used.Add(int64(len(data)))
	r.trim()
}

// trim drops the oldest segments while the match, or all matches together, take too much
// memory. What is left begins with a whole state if any segment does.
func (r *ring) trim() {
	size := int(r.size())
	for len(r.segments) > 1 && (size > r.recorder.o.MaxMatch || r.recorder.used.Load() > r.recorder.o.MaxAll) {
		n := 1
		for i := 1; i < len(r.segments); i++ {
			if r.segments[i].whole {
				n = i
				break
			}
		}
		for _, s := range r.segments[:n] {
			size -= s.size()
			s.drop(r.recorder)
		}
		r.segments = append(r.segments[:0:0], r.segments[n:]...)
	}
}

// size returns how many bytes of memory it takes.
func (r *ring) size() int64 {
	size := r.grown
	for _, s := range r.segments {
		size += s.size()
	}
	return int64(size)
}

// drop forgets all segments.
func (r *ring) drop() {
	for _, s := range r.segments {
		s.drop(r.recorder)
	}
	r.recorder.used.Add(-int64(r.grown))
	r.segments, r.grown = nil, 0
}

func (s *segment) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.data)
}

func (s *segment) drop(r *Recorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.used.Add(-int64(len(s.data)))
	s.data, s.dropped = nil, true
}

// shrink replaces the bytes by compressed ones and returns them; nil: the segment was dropped.
func (s *segment) shrink(r *Recorder) []byte {
	s.mu.Lock()
	data, done := s.data, s.compressed || s.dropped
	s.mu.Unlock()
	if done {
		return data
	}
	small := r.encoder().EncodeAll(data, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped {
		return nil
	}
	r.used.Add(int64(len(small) - len(data)))
	s.data, s.compressed = small, true
	return small
}
