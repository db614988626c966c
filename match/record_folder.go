package match

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kumi/store/fault"
)

// RecordingInfo is a file in the folder of recordings.
type RecordingInfo struct {
	Name    string
	Size    int64
	Written time.Time
	Header  *Header // nil: it cannot be read
	Err     error   // why not, or what else is damaged
	// FirstTick is that with which it begins, and Incomplete says that it has no end; of those
	// that are returned by List and Describe.
	FirstTick  int64
	Incomplete bool
}

// Recorder returns what records the matches; nil: nothing does.
func (r *Registry) Recorder() *Recorder { return r.o.Recorder }

// Mode returns which matches are recorded.
func (r *Recorder) Mode() RecordMode { return r.o.Mode }

// List returns at most max recordings for which keep is true, in descending order of their
// names, so the newest first. It begins with those that follow the name after in this order, and
// reads at most scan headers. next is the value of after for the next call; blank: there are no
// more. It may be called from any goroutine.
func (r *Recorder) List(after string, max, scan int, keep func(*RecordingInfo) bool) (list []RecordingInfo, next string, err error) {
	root, err := os.OpenRoot(r.o.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	files, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, "", err
	}
	for _, f := range slices.Backward(files) { // ReadDir sorts them
		if !f.Type().IsRegular() || !strings.HasSuffix(f.Name(), RecordingEnding) || after != "" && f.Name() >= after {
			continue
		}
		if len(list) == max || scan == 0 {
			return list, next, nil
		}
		scan--
		next = f.Name()
		if one := readRecordingInfo(root, next); keep(&one) {
			_ = one.readTicks(root) // Describe says what is wrong with a file whose header is whole
			list = append(list, one)
		}
	}
	return list, "", nil
}

func readRecordingInfo(root *os.Root, name string) RecordingInfo {
	one := RecordingInfo{Name: name}
	file, err := root.Open(name)
	if err != nil {
		one.Err = err
		return one
	}
	defer file.Close()
	if stat, err := file.Stat(); err == nil {
		one.Size, one.Written = stat.Size(), stat.ModTime()
	}
	one.Header, one.Err = ReadRecordingHeader(file)
	return one
}

// readTicks finds out which ticks the file has.
func (one *RecordingInfo) readTicks(root *os.Root) error {
	if one.Header == nil {
		return nil
	}
	file, err := root.Open(one.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	f, err := ReadRecordingFile(file, nil)
	if err != nil {
		return err
	}
	one.Incomplete, one.Header.Tick = f.Incomplete, f.Tick
	one.FirstTick, err = f.FirstTick()
	return err
}

// Describe returns a file of the folder. Errors as of Open.
func (r *Recorder) Describe(name string) (RecordingInfo, error) {
	root, err := r.find(name)
	if err != nil {
		return RecordingInfo{}, err
	}
	defer root.Close()
	one := readRecordingInfo(root, name)
	if err := one.readTicks(root); err != nil {
		one.Err = err
	}
	return one, nil
}

// Open opens a file of the folder, which the caller closes. A name is that of a file and never
// a path: NotFound if the folder itself has no such file. It may be called from any goroutine.
func (r *Recorder) Open(name string) (*os.File, error) {
	root, err := r.find(name)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(name)
}

// Read begins to read a file of the folder; see ReadRecordingFile. Errors as of Open and of
// ReadRecordingFile.
func (r *Recorder) Read(name string) (*RecordingFile, error) {
	file, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	f, err := ReadRecordingFile(file, r.o.DecodeParams)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// Remove removes a file of the folder. Errors as of Open.
func (r *Recorder) Remove(name string) error {
	root, err := r.find(name)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Remove(name)
}

// find opens the folder, if it has a recording of that name.
func (r *Recorder) find(name string) (*os.Root, error) {
	missing := fault.Newf(fault.NotFound, "There is no recording %q.", name)
	if filepath.Base(name) != name || strings.ContainsAny(name, `/\`) || !strings.HasSuffix(name, RecordingEnding) {
		return nil, missing
	}
	root, err := os.OpenRoot(r.o.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	if stat, err := root.Lstat(name); err != nil || !stat.Mode().IsRegular() { // no links
		return nil, errors.Join(missing, root.Close())
	}
	return root, nil
}

// Replay prepares a replay of a file from a segment on; see NewFileReplay.
func (r *Recorder) Replay(f *RecordingFile, segment int, o ReplayOptions) (*Replay, error) {
	o.EncodeParams, o.DecodeParams = r.o.EncodeParams, r.o.DecodeParams
	return NewFileReplay(f, segment, o)
}
