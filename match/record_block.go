package match

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"

	"kumi/internal/journal"
)

// block is the place of a block's compressed bytes in a file.
type block struct {
	kind   byte
	offset int64
	size   int64
}

const (
	// maxBlock is how many bytes one part of a recording may have when it is read, compressed
	// or not. A segment ends with the tick in which it gets larger than maxSegment, and may
	// begin with a state; the beginning of a restored match has a state of up to MaxSnapshot.
	maxBlock = 4 * MaxSnapshot
	// maxHeader is how many compressed bytes the header of a file may have.
	maxHeader = 1 << 20
)

var errNoRecording = errors.New("this is not the recording of a match")

// ReadRecordingHeader reads the header of a file only: that of its end, if it has one.
func ReadRecordingHeader(file *os.File) (*Header, error) {
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := readMagic(io.NewSectionReader(file, 0, stat.Size())); err != nil {
		return nil, err
	}
	h, err := readHeaderAt(file, int64(len(recordingMagic)), stat.Size())
	if err != nil || !h.Ended.IsZero() {
		return h, err
	}
	end := make([]byte, endSize)
	if _, err := file.ReadAt(end, max(stat.Size()-endSize, 0)); err != nil {
		return nil, err
	}
	if end[0] != blockEnd || end[1] != endSize-2 {
		return h, nil // the match runs, or its server was killed
	}
	if last, err := readHeaderAt(file, int64(binary.LittleEndian.Uint64(end[2:])), stat.Size()); err == nil {
		return last, nil
	}
	return h, nil // it only looked like an end
}

// readHeaderAt reads the header at an offset.
func readHeaderAt(file *os.File, at, size int64) (*Header, error) {
	if at < 0 || at > size {
		return nil, damaged(at, journal.ErrCorrupt)
	}
	b, err := readBlock(file, at, size)
	if err == nil && (b.kind != blockHeader || b.offset+b.size > size) {
		err = damaged(at, fmt.Errorf("%w: the header is missing", journal.ErrCorrupt))
	}
	if err != nil {
		return nil, err
	}
	return readHeader(file, b)
}

// readHeader reads a header, of the file's beginning or of its end.
func readHeader(file io.ReaderAt, b block) (*Header, error) {
	if b.size > maxHeader {
		return nil, damaged(b.offset, fmt.Errorf("%w: a header of %d bytes", journal.ErrCorrupt, b.size))
	}
	raw, err := b.read(file)
	if err != nil {
		return nil, err
	}
	h := &Header{}
	if err := json.Unmarshal(raw, h); err != nil {
		return nil, damaged(b.offset, fmt.Errorf("%w: the header: %w", journal.ErrCorrupt, err))
	}
	return h, nil
}

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

// blockDecoder returns the decoder of all files, which may be used from any goroutine.
var blockDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxBlock))
	if err != nil {
		panic(err) // of wrong options only
	}
	return d
})

// read returns the bytes of a block.
func (b block) read(file io.ReaderAt) ([]byte, error) {
	data := make([]byte, b.size)
	if _, err := file.ReadAt(data, b.offset); err != nil {
		return nil, damaged(b.offset, err)
	}
	raw, err := blockDecoder().DecodeAll(data, nil)
	if err != nil {
		return nil, damaged(b.offset, fmt.Errorf("%w: %w", journal.ErrCorrupt, err))
	}
	return raw, nil
}

// readStart returns the first bytes of a block, at most max.
func (b block) readStart(file io.ReaderAt, max int) ([]byte, error) {
	zip, err := zstd.NewReader(io.NewSectionReader(file, b.offset, b.size), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
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
