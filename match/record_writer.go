package match

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/rs/zerolog"
)

// RecordMode says which matches are recorded.
type RecordMode string

// Modes of recording.
const (
	// RecordOff records matches that ask for it only.
	RecordOff RecordMode = "off"
	// RecordError keeps the last minutes of every match in memory, and writes them to a file
	// if the match's handler fails.
	RecordError RecordMode = "error"
	// RecordAlways writes a file for every match, while it runs.
	RecordAlways RecordMode = "always"
)

// RecorderOptions configure a Recorder. Folder and the functions are required.
type RecorderOptions struct {
	Mode RecordMode
	// MaxMatch is how many bytes the recording of one match may take in memory, and MaxAll
	// those of all. The oldest parts are dropped first. Recordings that have ended and are not
	// written yet may take another MaxAll bytes; what comes then is lost. A file with MaxMatch
	// bytes is followed by another one.
	MaxMatch int
	MaxAll   int64
	// Folder gets the files. When they have more than MaxFolder bytes the oldest are removed; 0: none
	// are.
	Folder    string
	MaxFolder int64
	Version   string // of the server
	Logger    zerolog.Logger
	// EncodeParams writes down the parameters of a match, and DecodeParams reads them.
	EncodeParams func(map[string]any) ([]byte, error)
	DecodeParams func([]byte) (map[string]any, error)
}

// Recorder compresses and writes the recordings of matches, on a goroutine of its own.
type Recorder struct {
	o       RecorderOptions
	used    atomic.Int64 // bytes of recordings in memory
	waiting atomic.Int64 // bytes of those that have ended

	written int64 // bytes since the folder's size was looked at; of the goroutine

	mu      sync.Mutex
	jobs    []func()
	running bool
	closed  bool
	idle    *sync.Cond
	last    map[string]time.Time // the last recording of an error, by handler

	encoder func() *zstd.Encoder
}

// NewRecorder makes a Recorder, which first removes the files that are too many.
func NewRecorder(o RecorderOptions) *Recorder {
	r := &Recorder{o: o, last: map[string]time.Time{}}
	r.idle = sync.NewCond(&r.mu)
	r.encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
		if err != nil {
			panic(err) // of wrong options only
		}
		return e
	})
	r.do(func() { r.clean("") })
	return r
}

// Used returns how many bytes recordings take in memory.
func (r *Recorder) Used() int64 { return r.used.Load() }

// Close waits until everything is written. Recordings that end later are lost.
func (r *Recorder) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for r.running {
		r.idle.Wait()
	}
}

// Flush waits until what was recorded so far is written.
func (r *Recorder) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.running {
		r.idle.Wait()
	}
}

// do runs f on the recorder's goroutine.
func (r *Recorder) do(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.jobs = append(r.jobs, f)
	if !r.running {
		r.running = true
		go r.run()
	}
}

func (r *Recorder) run() {
	for {
		r.mu.Lock()
		if len(r.jobs) == 0 {
			r.running = false
			r.idle.Broadcast()
			r.mu.Unlock()
			return
		}
		jobs := r.jobs
		r.jobs = nil
		r.mu.Unlock()
		for _, f := range jobs {
			f()
		}
	}
}

func (r *Recorder) compress(s *segment) { r.do(func() { s.shrink(r) }) }

// errorInterval is the time between two files of errors of the same handler.
const errorInterval = time.Second

// put writes what is complete of a recording, in the background.
func (r *Recorder) put(s *saved) {
	r.do(func() {
		err := r.write(s)
		if err == nil {
			err = s.file.show()
		}
		r.limit(s.file.path)
		r.note(s, err)
	})
}

// note logs that a recording could not be written, once until it can be.
func (r *Recorder) note(s *saved, err error) {
	if err != nil && !s.file.failed {
		r.o.Logger.Error().Err(err).Str("match", s.Match).Msg("the recording of a match was not written")
	}
	s.file.failed = err != nil
}

// finish writes the rest of a recording, in the background, and forgets the ring. Of errors
// that follow each other one is written, unless keep is set.
func (r *Recorder) finish(s *saved, ring *ring, keep bool) {
	if s.Error != "" && !keep {
		r.mu.Lock()
		skip := s.Ended.Sub(r.last[s.Handler]) < errorInterval
		if !skip {
			r.last[s.Handler] = s.Ended
		}
		r.mu.Unlock()
		if skip {
			ring.drop()
			return
		}
	}
	size := ring.size()
	lost := r.waiting.Add(size) > r.o.MaxAll
	if lost {
		r.waiting.Add(-size)
		ring.drop()
		s.birth, s.segments, size = nil, nil, 0
		r.o.Logger.Warn().Str("match", s.Match).Msg("the rest of a recording is lost, as too many wait to be written")
	}
	r.do(func() {
		defer func() {
			ring.drop()
			r.waiting.Add(-size)
		}()
		err := r.write(s)
		if err == nil && !lost && s.file.path == "" && s.file.next == 0 { // it has no segments
			err = r.begin(s, true)
		}
		if s.file.path != "" { // even if a part is missing, its end says why the match ended
			err = errors.Join(err, r.end(s.file, s.Header))
		}
		if s.file.path != "" { // it has no end
			err = errors.Join(err, s.file.giveUp())
		}
		r.note(s, err)
	})
}
