package match

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
)

// folderSize returns how many files a folder has, and their bytes.
func folderSize(t testing.TB, folder string) (n int, size int64) {
	t.Helper()
	all, err := filepath.Glob(folder + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if info, err := os.Stat(one); err == nil {
			n, size = n+1, size+info.Size()
		}
	}
	return n, size
}

// The folder has its limit while matches run, whose files have no end, and after a crash.
func TestFolderOfRecordingsIsLimited(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "recordings")
	const limit = 2 << 20
	open := func(max int64) *Recorder {
		o := newTestRecorder(t, folder, 4<<20).o
		o.MaxFolder = max
		return NewRecorder(o)
	}
	fill := func(rec *Recorder, matches int, each func(i, j int)) {
		w := newTestRegistry(t, Options{Recorder: rec})
		for i := range matches {
			id, m := w.play(fmt.Sprint("g", i), &game{rate: 1})
			w.own(id, m)
			for j := range 4 {
				m.noise(maxSegment)
				rec.Flush()
				each(i, j)
			}
			m.tape = nil // as if the server was killed
			m.stop()
		}
		rec.Close()
	}
	rec := open(limit)
	fill(rec, 4, func(i, j int) {
		n, size := folderSize(t, folder)
		if size > limit || n == 0 || n < i/2 {
			t.Fatalf("after part %d of match %d there are %d files with %d bytes, of at most %d", j, i, n, size, limit)
		}
	})
	fill(open(0), 3, func(int, int) {})
	if _, size := folderSize(t, folder); size <= limit {
		t.Fatalf("the folder has %d bytes without a limit", size)
	}
	open(limit).Close()
	if n, size := folderSize(t, folder); size > limit || n == 0 {
		t.Errorf("after the next start there are %d files with %d bytes, of at most %d", n, size, limit)
	}
}

// A recording that cannot be ended leaves a file that can be read, or none.
func TestNoHiddenRecordingsStay(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	rec := newTestRecorder(t, folder, 4<<20)
	rec.Flush() // its goroutine is this one until finish
	var gone ring
	gone.recorder = rec
	begun := func(id uuid.UUID) *saved {
		return &saved{Header: Header{Match: id.String() + ".here", Handler: "h"}, birth: []byte("birth"), file: &recordFile{}}
	}
	full, empty := begun(uuid.Must(uuid.NewV4())), begun(uuid.Must(uuid.NewV4()))
	full.segments = []*segment{{data: []byte("ticks"), raw: 5}}
	if err := rec.write(full); err != nil {
		t.Fatal(err)
	}
	if err := rec.begin(empty, true); err != nil {
		t.Fatal(err)
	}
	if n, _ := folderSize(t, folder); n != 2 || !full.file.hidden || !empty.file.hidden {
		t.Fatalf("there are %d files, of which two are to be hidden", n)
	}
	for _, s := range []*saved{full, empty} {
		s.Ended = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) // which no header can have
		rec.finish(s, &gone, true)
	}
	rec.Flush()
	shown, _, err := rec.List("", 10, 10, func(*RecordingInfo) bool { return true })
	if n, _ := folderSize(t, folder); err != nil || n != 1 || len(shown) != 1 || shown[0].Header == nil || shown[0].Header.Match != full.Match {
		t.Errorf("there are %d files, of which %d are listed (%v); want the one with ticks", n, len(shown), err)
	}
}

// Hidden files of servers that were killed are removed at the next start, but not those that
// another one may be writing, whether the folder has a limit or not.
func TestHiddenRecordingsOfKilledServers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, age := range map[string]time.Duration{
		"a" + RecordingEnding + hiddenEnding: 2 * abandoned, "b" + RecordingEnding + hiddenEnding: abandoned / 2,
		"c" + RecordingEnding: 2 * abandoned, "d" + hiddenEnding: 2 * abandoned,
	} {
		path, at := filepath.Join(folder, name), time.Now().Add(-age)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	newTestRecorder(t, folder, 1<<20).Close()
	left, _ := filepath.Glob(folder + "/*")
	for i, path := range left {
		left[i] = filepath.Base(path)
	}
	if want := []string{"b" + RecordingEnding + hiddenEnding, "c" + RecordingEnding, "d" + hiddenEnding}; !slices.Equal(left, want) {
		t.Errorf("the files %v are left, want %v", left, want)
	}
}

// The end of a recording is written even if a part before it cannot be.
func TestRecordingEndsAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	rec := newTestRecorder(t, t.TempDir(), 8<<20)
	w := newTestRegistry(t, Options{Recorder: rec})
	id, m := w.play("game", &game{rate: 1})
	w.own(id, m)
	m.noise(maxSegment)
	rec.Flush()
	m.loop(nil, 0, 0)
	busy := make(chan struct{})
	rec.do(func() { <-busy })
	tape := m.tape
	m.stop()
	last := tape.ring.segments[len(tape.ring.segments)-1]
	last.raw = maxBlock + 1 // what is not written
	close(busy)
	rec.Flush()
	all := rec.files(t)
	if len(all) != 1 || all[0].Incomplete || all[0].Ended.IsZero() || len(all[0].segments) != 1 || !tape.file.failed {
		t.Errorf("there are %d files, of which the first is %+v; want one with an end", len(all), all[0].Header)
	}
}

// Recordings that have ended wait for the writer with a limit of memory.
func TestRecordingsThatWaitAreLimited(t *testing.T) {
	t.Parallel()
	rec := newTestRecorder(t, t.TempDir(), 4<<20)
	rec.o.MaxAll = 1 << 20
	w := newTestRegistry(t, Options{Recorder: rec})
	busy := make(chan struct{})
	rec.do(func() { <-busy })
	for i := range 20 {
		id, m := w.play(fmt.Sprint("g", i), &game{rate: 1})
		w.own(id, m)
		m.noise(200 << 10)
		m.stop()
	}
	if n := rec.Used(); n > rec.o.MaxAll {
		t.Errorf("recordings that wait take %d bytes, of at most %d", n, rec.o.MaxAll)
	}
	close(busy)
	rec.Flush()
	if n := len(rec.files(t)); n != 5 {
		t.Errorf("%d of 20 recordings were written, want the five for which there was memory", n)
	}
	if rec.Used() != 0 || rec.waiting.Load() != 0 {
		t.Errorf("%d bytes are in memory afterwards, of which %d wait", rec.Used(), rec.waiting.Load())
	}
	id, m := w.play("later", &game{rate: 1})
	w.own(id, m)
	m.stop()
	rec.Flush()
	if n := len(rec.files(t)); n != 6 {
		t.Errorf("there are %d files after another match, want 6", n)
	}
}
