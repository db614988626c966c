package match

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sort"

	"kumi/internal/journal"
)

// RecordingFile reads parts of a recording when they are needed, so that a large one is never
// in memory as a whole. It belongs to one goroutine; Close must be called.
type RecordingFile struct {
	Header
	// Incomplete tells that the file has no end: the match runs, or its server was killed.
	Incomplete bool

	file     *os.File
	decode   func([]byte) (map[string]any, error)
	birth    *block // nil: the recording began later
	segments []block
	heads    []*segmentHead // read when they are needed
}

// segmentHead is what is known of a segment without reading its calls.
type segmentHead struct {
	tick  int64
	whole bool // it begins with the whole state
}

// segmentHeadSize is how many bytes of a segment are read for its head, of which the label is
// the longest part.
const segmentHeadSize = 8 << 10

// ReadRecordingFile begins to read a file, which Close closes. decode reads the parameters of
// the match. An error names the offset in the file where it is damaged.
func ReadRecordingFile(file *os.File, decode func([]byte) (map[string]any, error)) (*RecordingFile, error) {
	f := &RecordingFile{file: file, decode: decode, Incomplete: true}
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	r := io.NewSectionReader(file, 0, stat.Size())
	if err := readMagic(r); err != nil {
		return nil, err
	}
	at := int64(len(recordingMagic))
	for at < stat.Size() {
		b, err := readBlock(file, at, stat.Size())
		if err != nil {
			return nil, err
		}
		if b.offset+b.size > stat.Size() {
			break // the file is incomplete
		}
		at = b.offset + b.size
		switch b.kind {
		case blockHeader:
			h, err := readHeader(file, b)
			if err != nil {
				return nil, err
			}
			f.Header = *h
		case blockBirth:
			f.birth = &b
		case blockSegment:
			f.segments = append(f.segments, b)
		case blockEnd:
			f.Incomplete = false
			at = stat.Size()
		default:
			return nil, damaged(b.offset, fmt.Errorf("%w: there is no part %q", journal.ErrCorrupt, b.kind))
		}
	}
	if f.Match == "" {
		return nil, damaged(int64(len(recordingMagic)), fmt.Errorf("%w: the header is missing", journal.ErrCorrupt))
	}
	f.heads = make([]*segmentHead, len(f.segments))
	return f, f.findEnd()
}

// findEnd finds the last tick of a file without an end, of which the header does not know it.
func (f *RecordingFile) findEnd() error {
	last := len(f.segments) - 1
	if !f.Ended.IsZero() || last < 0 {
		return nil
	}
	s, err := f.Segment(last)
	if err != nil {
		return err
	}
	f.Tick = s.Tick
	if n := len(s.Steps); n > 0 {
		f.Tick = s.Steps[n-1].Tick
	}
	return nil
}

// Close closes the file.
func (f *RecordingFile) Close() error { return f.file.Close() }

// Birth reads the call of Init; nil if the recording began later.
func (f *RecordingFile) Birth() (*Step, error) {
	if f.birth == nil {
		return nil, nil
	}
	raw, err := f.birth.read(f.file)
	if err != nil {
		return nil, err
	}
	s, err := readBirth(raw, f.decode)
	if err != nil {
		return nil, damaged(f.birth.offset, err)
	}
	return s, nil
}

// Segments returns how many segments the recording has.
func (f *RecordingFile) Segments() int { return len(f.segments) }

// Segment reads a segment.
func (f *RecordingFile) Segment(i int) (*Segment, error) {
	raw, err := f.segments[i].read(f.file)
	if err != nil {
		return nil, err
	}
	s, err := readSegment(raw)
	if err != nil {
		return nil, damaged(f.segments[i].offset, err)
	}
	return s, nil
}

// head reads the head of a segment.
func (f *RecordingFile) head(i int) (*segmentHead, error) {
	if f.heads[i] != nil {
		return f.heads[i], nil
	}
	b := f.segments[i]
	raw, err := b.readStart(f.file, segmentHeadSize)
	if err != nil {
		return nil, err
	}
	r := newStepReader(raw)
	s, whole := r.segmentHead()
	if r.Err() != nil {
		return nil, damaged(b.offset, r.Err())
	}
	f.heads[i] = &segmentHead{s.Tick, whole}
	return f.heads[i], nil
}

// FirstTick returns the tick with which the recording begins: that of its birth, which is 0
// unless the match was restored from a snapshot, or that of the first segment.
func (f *RecordingFile) FirstTick() (int64, error) {
	if f.First && f.birth != nil {
		raw, err := f.birth.readStart(f.file, 1+binary.MaxVarintLen64)
		if err != nil {
			return 0, err
		}
		r := journal.NewReader(raw)
		_ = r.Byte() // the kind
		tick := r.Int()
		if r.Err() != nil {
			return 0, damaged(f.birth.offset, r.Err())
		}
		return tick, nil
	}
	if len(f.segments) == 0 || f.First {
		return 0, nil
	}
	h, err := f.head(0)
	if err != nil {
		return 0, err
	}
	return h.tick, nil
}

// Whole tells whether a replay can begin with a segment: with the match's beginning, or with
// the whole state.
func (f *RecordingFile) Whole(i int) (bool, error) {
	if i == 0 && f.First && f.birth != nil {
		return true, nil
	}
	h, err := f.head(i)
	if err != nil {
		return false, err
	}
	return h.whole, nil
}

// Find returns the first segment that may have calls of a tick. Those that follow may have
// more of them: a segment's own tick is the one in which it begins, often with its end.
func (f *RecordingFile) Find(tick int64) (int, error) {
	var failed error
	i := sort.Search(len(f.segments), func(i int) bool {
		h, err := f.head(i)
		if err != nil {
			failed = err
			return true
		}
		return h.tick >= tick
	})
	return max(i-1, 0), failed
}

// Starts returns the tick in which a segment begins.
func (f *RecordingFile) Starts(i int) (int64, error) {
	h, err := f.head(i)
	if err != nil {
		return 0, err
	}
	return h.tick, nil
}
