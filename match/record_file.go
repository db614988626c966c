package match

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"

	"github.com/klauspost/compress/zstd"

	"kumi/internal/journal"
)

// RecordingFile reads parts of a recording when they are needed, so that a large one is never
// in memory as a whole. It belongs to one goroutine; Close must be called.
type RecordingFile struct {
	Header
	// Incomplete tells that the file ends early, such as after a crash.
	Incomplete bool

	file     *os.File
	decode   func([]byte) (map[string]any, error)
	birth    *block // nil: the recording began later
	segments []block
	heads    []*segmentHead // read when they are needed
}

// block is the place of a block's compressed bytes in a file.
type block struct {
	kind   byte
	offset int64
	size   int64
}

// segmentHead is what is known of a segment without reading its calls.
type segmentHead struct {
	tick  int64
	whole bool // it begins with the whole state
}

const (
	// maxBlock is how many bytes one part of a recording may have when it is read, compressed
	// or not. A segment ends with the tick in which it gets larger than maxSegment, and may
	// begin with a state; the beginning of a restored match has a state of up to MaxSnapshot.
	maxBlock = 4 * MaxSnapshot
	// maxHeader is how many compressed bytes the header of a file may have.
	maxHeader = 1 << 20
	// segmentHeadSize is how many bytes of a segment are read for its head, of which the label
	// is the longest part.
	segmentHeadSize = 8 << 10
)

var errNoRecording = errors.New("this is not the recording of a match")

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
			if err := f.readHeader(b); err != nil {
				return nil, err
			}
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
	return f, nil
}

// ReadRecordingHeader reads the header of a file only.
func ReadRecordingHeader(file *os.File) (*Header, error) {
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := readMagic(io.NewSectionReader(file, 0, stat.Size())); err != nil {
		return nil, err
	}
	at := int64(len(recordingMagic))
	b, err := readBlock(file, at, stat.Size())
	if err == nil && (b.kind != blockHeader || b.offset+b.size > stat.Size()) {
		err = damaged(at, fmt.Errorf("%w: the header is missing", journal.ErrCorrupt))
	}
	if err != nil {
		return nil, err
	}
	f := &RecordingFile{file: file}
	if err := f.readHeader(b); err != nil {
		return nil, err
	}
	return &f.Header, nil
}

// Close closes the file.
func (f *RecordingFile) Close() error { return f.file.Close() }

func readMagic(r io.Reader) error {
	magic := make([]byte, len(recordingMagic))
	n, _ := io.ReadFull(r, magic)
	last := len(magic) - 1
	if n < len(magic) || string(magic[:last]) != recordingMagic[:last] {
		return errNoRecording
	}
	if magic[last] < 1 || magic[last] > recordingMagic[last] {
		return fmt.Errorf("the recording has version %d, and this server reads versions 1 to %d", magic[last], recordingMagic[last])
	}
	return nil
}

// readBlock reads kind and length of the block at an offset.
func readBlock(file io.ReaderAt, at, end int64) (block, error) {
	head := make([]byte, min(1+10, end-at))
	if _, err := file.ReadAt(head, at); err != nil && !errors.Is(err, io.EOF) {
		return block{}, damaged(at, err)
	}
	r := journal.NewReader(head)
	b := block{kind: r.Byte()}
	size := r.Uint()
	if r.Err() != nil {
		return block{kind: b.kind, offset: end, size: 1}, nil // the file ends within the length
	}
	b.offset, b.size = at+int64(len(head)-r.Len()), int64(min(size, maxBlock+1))
	if size > maxBlock || size == 0 && b.kind != blockEnd {
		return b, damaged(at, fmt.Errorf("%w: a part of %d bytes", journal.ErrCorrupt, size))
	}
	return b, nil
}

// damaged names the place of an error in a file.
func damaged(offset int64, err error) error { return fmt.Errorf("at byte %d: %w", offset, err) }

func (f *RecordingFile) readHeader(b block) error {
	if b.size > maxHeader {
		return damaged(b.offset, fmt.Errorf("%w: a header of %d bytes", journal.ErrCorrupt, b.size))
	}
	raw, err := f.read(b)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &f.Header); err != nil {
		return damaged(b.offset, fmt.Errorf("%w: the header: %w", journal.ErrCorrupt, err))
	}
	return nil
}

// blockDecoder returns the decoder of all files, which may be used from any goroutine.
var blockDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxBlock))
	if err != nil {
		panic(err) // of wrong options only
	}
	return d
})

// read returns the bytes of a block.
func (f *RecordingFile) read(b block) ([]byte, error) {
	data := make([]byte, b.size)
	if _, err := f.file.ReadAt(data, b.offset); err != nil {
		return nil, damaged(b.offset, err)
	}
	raw, err := blockDecoder().DecodeAll(data, nil)
	if err != nil {
		return nil, damaged(b.offset, fmt.Errorf("%w: %w", journal.ErrCorrupt, err))
	}
	return raw, nil
}

// Birth reads the call of Init; nil if the recording began later.
func (f *RecordingFile) Birth() (*Step, error) {
	if f.birth == nil {
		return nil, nil
	}
	raw, err := f.read(*f.birth)
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
	raw, err := f.read(f.segments[i])
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
	raw, err := f.readStart(b, segmentHeadSize)
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

// readStart returns the first bytes of a block, at most max.
func (f *RecordingFile) readStart(b block, max int) ([]byte, error) {
	zip, err := zstd.NewReader(io.NewSectionReader(f.file, b.offset, b.size), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
	if err != nil {
		return nil, damaged(b.offset, err)
	}
	defer zip.Close()
	raw := make([]byte, max)
	n, err := io.ReadFull(zip, raw)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, damaged(b.offset, fmt.Errorf("%w: %w", journal.ErrCorrupt, err))
	}
	return raw[:n], nil
}

// FirstTick returns the tick with which the recording begins: that of its birth, which is 0
// unless the match was restored from a snapshot, or that of the first segment.
func (f *RecordingFile) FirstTick() (int64, error) {
	if f.First && f.birth != nil {
		raw, err := f.readStart(*f.birth, 1+binary.MaxVarintLen64)
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
