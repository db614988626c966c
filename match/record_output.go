package match

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// RecordingEnding is what names of files with recordings end with.
const RecordingEnding = ".kumirec"

// A file begins with recordingMagic, which ends with the version. Version 2 added recSnapshot and
// recRestore, version 3 recReturn and the second header; older versions are read as well.
const recordingMagic = "KUMIREC\x03"

// Kinds of blocks in a file. After its kind and length a block has its bytes, which are compressed
// but for those of the end.
const (
	// blockHeader is the first block, with what is known when the file is begun. If that is before
	// the recording ends, another one before the end has all.
	blockHeader  = 'H'
	blockBirth   = 'B'
	blockSegment = 'S'
	// blockEnd has the offset of the second header in eight bytes, or nothing if there is one
	// only. It is missing while the match runs, and after a crash.
	blockEnd = 'E'
)

// endSize is the size of the end with an offset, which is found from the end of the file.
const endSize = 1 + 1 + 8

// Header says what a file is the recording of.
type Header struct {
	Match   string    `json:"match"`
	Node    string    `json:"node"`
	Handler string    `json:"handler"`
	Runtime string    `json:"runtime"` // "go", "lua" or "javascript"
	Server  string    `json:"server"`  // version
	Modules string    `json:"modules"` // version of the modules
	Created time.Time `json:"created"`
	// Ended is when the recording ended; zero: the match runs, or its server was killed.
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

// hiddenEnding is what the name of a file ends with until it can be read.
const hiddenEnding = ".part"

// saved is a part of a recording on its way to a file, or all of it.
type saved struct {
	Header
	birth    []byte
	segments []*segment // in memory, in their order; some may be in the file by now
	file     *recordFile
}

// recordFile is the file of a recording. Of one that is kept anyway the segments are appended
// while the match runs, so that a process that is killed loses only the last one. A file that
// has Options.MaxMatch bytes ends, and the recording goes on in another one. It belongs to the
// Recorder's goroutine.
type recordFile struct {
	path   string // blank: none has been begun
	hidden bool   // the path still ends with hiddenEnding
	filled bool   // it has a segment
	first  bool   // it begins with the match
	whole  bool   // the first header has all: the recording had ended
	size   int64
	next   int  // number of the segment that follows
	failed bool // the last write did
}

// write appends the segments that are not in the file yet.
func (r *Recorder) write(s *saved) (err error) {
	f := s.file
	for _, seg := range s.segments {
		data := seg.shrink(r)
		if seg.number < f.next || data == nil { // it is in the file, or there was no memory to keep it
			continue
		}
		if seg.raw > maxBlock {
			err = errors.Join(err, errTooLarge(seg.raw))
		} else if err := r.follow(s, seg); err != nil {
			return err
		} else if err := r.append(f, appendBlock(nil, blockSegment, data)); err != nil {
			return err
		} else {
			f.next, f.filled = seg.number+1, true
		}
		seg.drop(r)
	}
	return err
}

func errTooLarge(size int) error {
	return fmt.Errorf("a part of it has %d bytes, and at most %d can be read again", size, maxBlock)
}

// follow makes sure that there is a file to which a segment can be appended. A file cannot be
// continued if it is full, if a part before the segment is missing, or if it was removed.
func (r *Recorder) follow(s *saved, seg *segment) error {
	f := s.file
	switch {
	case f.path == "":
	case !exists(f.path):
		f.path, f.hidden = "", false
	case seg.number != f.next || f.size >= int64(r.o.MaxMatch):
		head := s.Header
		head.Ended, head.Tick, head.Error, head.In, head.Stack = time.Now(), seg.tick, "", "", ""
		if err := r.end(f, head); err != nil {
			return err
		}
	}
	if f.path == "" {
		return r.begin(s, seg.number == 0)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// begin begins a file. first tells that it gets the first segment of the recording.
func (r *Recorder) begin(s *saved, first bool) error {
	if len(s.birth) > maxBlock {
		return errTooLarge(len(s.birth))
	}
	if err := os.MkdirAll(r.o.Folder, 0o700); err != nil {
		return err
	}
	path, err := newRecording(r.o.Folder, s.Handler, s.Match)
	if err != nil {
		return err
	}
	head := s.Header
	head.First = first && s.birth != nil
	b, err := r.appendHeader([]byte(recordingMagic), head)
	if err != nil {
		return err
	}
	if s.birth != nil {
		b = appendBlock(b, blockBirth, r.encoder().EncodeAll(s.birth, nil))
	}
	f := recordFile{path: path, hidden: true, first: head.First, whole: !head.Ended.IsZero(), next: s.file.next}
	if err := r.append(&f, b); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	*s.file = f
	return nil
}

// show gives a file its name.
func (f *recordFile) show() error {
	if !f.hidden {
		return nil
	}
	name := strings.TrimSuffix(f.path, hiddenEnding)
	err := os.Rename(f.path, name)
	if err == nil {
		f.path, f.hidden = name, false
	}
	return err
}

// giveUp leaves a file that could not be ended. It stays only if it has something to read.
func (f *recordFile) giveUp() error {
	if f.filled || !f.hidden {
		return f.show()
	}
	return os.Remove(f.path)
}

// newRecording makes a hidden file, whose name begins with the time, which no other one has.
func newRecording(folder, handler, match string) (path string, err error) {
	id, _, _ := strings.Cut(match, ".")
	for at := time.Now().UTC(); ; at = at.Add(time.Millisecond) {
		path = filepath.Join(folder, at.Format("20060102-150405.000")+"-"+fileName(handler)+"-"+id+RecordingEnding)
		if _, err := os.Lstat(path); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		file, err := os.OpenFile(path+hiddenEnding, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return path + hiddenEnding, file.Close()
	}
}

// end ends a file with the header that has all.
func (r *Recorder) end(f *recordFile, head Header) error {
	b := appendBlock(nil, blockEnd, nil)
	if !f.whole {
		head.First = f.first
		var err error
		if b, err = r.appendHeader(nil, head); err != nil {
			return err
		}
		b = appendBlock(b, blockEnd, binary.LittleEndian.AppendUint64(nil, uint64(f.size)))
	}
	if err := r.append(f, b); err != nil {
		return err
	}
	if err := f.show(); err != nil {
		return err
	}
	r.o.Logger.Info().Str("match", head.Match).Str("file", f.path).Msg("recording of a match written")
	r.limit(f.path)
	f.path = ""
	return nil
}

// append appends blocks, all or none.
func (r *Recorder) append(f *recordFile, blocks []byte) error {
	file, err := os.OpenFile(f.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err = file.WriteAt(blocks, f.size); err != nil {
		err = errors.Join(err, file.Truncate(f.size))
	}
	if err = errors.Join(err, file.Close()); err == nil {
		f.size += int64(len(blocks))
		r.written += int64(len(blocks))
	}
	return err
}

func appendBlock(b []byte, kind byte, data []byte) []byte {
	b = binary.AppendUvarint(append(b, kind), uint64(len(data)))
	return append(b, data...)
}

func (r *Recorder) appendHeader(b []byte, h Header) ([]byte, error) {
	raw, err := json.Marshal(h)
	return appendBlock(b, blockHeader, r.encoder().EncodeAll(raw, nil)), err
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
