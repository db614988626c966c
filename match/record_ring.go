package match

import "sync"

// segment is a part of a recording. It is compressed in the background, so the bytes are
// guarded by a mutex.
type segment struct {
	tick  int64 // at its beginning
	whole bool  // it begins with the whole state
	raw   int   // bytes before they are compressed

	mu         sync.Mutex
	data       []byte
	compressed bool
	dropped    bool
}

// ring has the last segments of a recording. It belongs to the match's goroutine, and to the
// writer after the match has ended.
type ring struct {
	recorder *Recorder
	segments []*segment
	first    bool // the first segment follows the match's beginning
	begun    bool
	grown    int // bytes of the beginning
}

// grow counts bytes that are not in a segment.
func (r *ring) grow(n int) {
	r.grown += n
	r.recorder.used.Add(int64(n))
	r.begun, r.first = true, true
}

// add appends a segment, which is complete, and drops the oldest while there are too many
// bytes.
func (r *ring) add(s *segment, data []byte) {
	s.data, s.raw = data, len(data)
	r.segments = append(r.segments, s)
	r.recorder.used.Add(int64(len(data)))
	r.recorder.compress(s)
	r.trim()
}

// trim drops the oldest segments while the match, or all matches together, take too much
// memory. What is left begins with a whole state if any segment does.
func (r *ring) trim() {
	size := r.grown
	for _, s := range r.segments {
		size += s.size()
	}
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
		r.first = false
	}
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

// shrink replaces the bytes by compressed ones.
func (s *segment) shrink(r *Recorder) {
	s.mu.Lock()
	data, done := s.data, s.compressed || s.dropped
	s.mu.Unlock()
	if done {
		return
	}
	small := r.encoder().EncodeAll(data, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped {
		return
	}
	r.used.Add(int64(len(small) - len(data)))
	s.data, s.compressed = small, true
}
