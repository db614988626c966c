package match

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	// RecordAlways writes a file for every match, when it ends.
	RecordAlways RecordMode = "always"
)

// RecorderOptions configure a Recorder. Folder and the functions are required.
type RecorderOptions struct {
	Mode RecordMode
	// MaxMatch is how many bytes the recording of one match may take in memory, and MaxAll
	// those of all. The oldest parts are dropped first.
	MaxMatch int
	MaxAll   int64
	// Folder gets the files. When they have more than MaxFolder bytes the oldest are removed.
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
	o    RecorderOptions
	used atomic.Int64 // bytes of recordings in memory

	mu      sync.Mutex
	jobs    []func()
	running bool
	closed  bool
	idle    *sync.Cond
	last    map[string]time.Time // the last recording of an error, by handler

	encoder func() *zstd.Encoder
}

// NewRecorder makes a Recorder.
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

// Header says what a file is the recording of.
type Header struct {
	Match    string    `json:"match"`
	Node     string    `json:"node"`
	Handler  string    `json:"handler"`
	Runtime  string    `json:"runtime"` // "go", "lua" or "javascript"
	Server   string    `json:"server"`  // version
	Modules  string    `json:"modules"` // version of the modules
	Created  time.Time `json:"created"`
	Ended    time.Time `json:"ended"`
	Tick     int64     `json:"tick"` // the last one
	TickRate int       `json:"tick_rate"`
	Label    string    `json:"label"`
	// First tells that the recording begins with the match.
	First bool `json:"first"`
	// Error is the error that ended the match, In the call of the handler, and Stack where.
	Error string `json:"error,omitempty"`
	In    string `json:"in,omitempty"`
	Stack string `json:"stack,omitempty"`
}

// saved is a recording on its way to a file.
type saved struct {
	Header
	birth []byte
	ring  *ring
}

// RecordingEnding is what names of files with recordings end with.
const RecordingEnding = ".kumirec"

// A file begins with recordingMagic, which ends with the version. Version 2 added recSnapshot and
// recRestore, version 3 recReturn; older versions are read as well.
const recordingMagic = "KUMIREC\x03"

// Kinds of blocks in a file. After its kind and length a block has compressed bytes.
const (
	blockHeader  = 'H'
	blockBirth   = 'B'
	blockSegment = 'S'
	blockEnd     = 'E'
)

// errorInterval is the time between two files of errors of the same handler.
const errorInterval = time.Second

// save writes a recording in the background.
func (r *Recorder) save(s *saved) {
	r.mu.Lock()
	skip := false
	if s.Error != "" && r.o.Mode == RecordError {
		skip = s.Ended.Sub(r.last[s.Handler]) < errorInterval
		if !skip {
			r.last[s.Handler] = s.Ended
		}
	}
	r.mu.Unlock()
	if skip {
		s.ring.drop()
		return
	}
	r.do(func() {
		defer s.ring.drop()
		path, err := r.write(s)
		if err != nil {
			r.o.Logger.Error().Err(err).Str("match", s.Match).Msg("the recording of a match was not written")
			return
		}
		r.o.Logger.Info().Str("match", s.Match).Str("file", path).Msg("recording of a match written")
		if err := r.clean(path); err != nil {
			r.o.Logger.Warn().Err(err).Msg("old recordings of matches were not removed")
		}
	})
}

func (r *Recorder) write(s *saved) (path string, err error) {
	largest := len(s.birth)
	for _, seg := range s.ring.segments {
		largest = max(largest, seg.raw)
	}
	if largest > maxBlock {
		return "", fmt.Errorf("a part of it has %d bytes, and at most %d can be read again", largest, maxBlock)
	}
	if err := os.MkdirAll(r.o.Folder, 0o700); err != nil {
		return "", err
	}
	id, _, _ := strings.Cut(s.Match, ".")
	path = filepath.Join(r.o.Folder, s.Ended.UTC().Format("20060102-150405.000")+"-"+fileName(s.Handler)+"-"+id+RecordingEnding)
	file, err := os.OpenFile(path+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close(), os.Remove(path+".part"))
		}
	}()
	w := bufio.NewWriter(file)
	s.First = s.ring.first
	header, err := json.Marshal(s.Header)
	if err != nil {
		return "", err
	}
	_, _ = w.WriteString(recordingMagic) // Flush returns the first error
	block := func(kind byte, data []byte) {
		_ = w.WriteByte(kind)
		_, _ = w.Write(binary.AppendUvarint(nil, uint64(len(data))))
		_, _ = w.Write(data)
	}
	block(blockHeader, r.encoder().EncodeAll(header, nil))
	if s.birth != nil {
		block(blockBirth, r.encoder().EncodeAll(s.birth, nil))
	}
	for _, seg := range s.ring.segments {
		seg.shrink(r)
		block(blockSegment, seg.data)
	}
	block(blockEnd, nil)
	if err := w.Flush(); err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	return path, os.Rename(path+".part", path)
}

// fileName returns a handler's name as part of a file's.
func fileName(name string) string {
	if len(name) > 60 {
		name = name[:60]
	}
	return strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return c
		}
		return '_'
	}, name)
}

// clean removes the oldest files while all have more bytes than the limit. It keeps newest.
func (r *Recorder) clean(newest string) error {
	if r.o.MaxFolder <= 0 {
		return nil
	}
	files, err := os.ReadDir(r.o.Folder)
	if err != nil {
		return err
	}
	type recording struct {
		path string
		info fs.FileInfo
	}
	var all []recording
	total := int64(0)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), RecordingEnding) {
			continue
		}
		if info, err := f.Info(); err == nil {
			all = append(all, recording{filepath.Join(r.o.Folder, f.Name()), info})
			total += info.Size()
		}
	}
	slices.SortFunc(all, func(a, b recording) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), strings.Compare(a.path, b.path))
	})
	for _, f := range all {
		if total <= r.o.MaxFolder || f.path == newest {
			break
		}
		if err := os.Remove(f.path); err != nil {
			return fmt.Errorf("remove %s: %w", f.path, err)
		}
		total -= f.info.Size()
	}
	return nil
}
