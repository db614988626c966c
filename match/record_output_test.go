package match

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"
)

// newTestRecorder records all matches.
func newTestRecorder(t testing.TB, folder string, max int) *Recorder {
	return NewRecorder(RecorderOptions{
		Mode: RecordAlways, MaxMatch: max, MaxAll: 64 << 20, Folder: folder, Logger: zerolog.Nop(),
		EncodeParams: func(map[string]any) ([]byte, error) { return nil, nil },
		DecodeParams: func([]byte) (map[string]any, error) { return nil, nil },
	})
}

// files returns the recordings in the folder, in the order in which they were begun.
func (r *Recorder) files(t testing.TB) (all []*RecordingFile) {
	t.Helper()
	list, _, err := r.List("", 1000, 1000, func(*RecordingInfo) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range slices.Backward(list) {
		f, err := r.Read(one.Name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if one.Err != nil || one.Header.Tick != f.Tick || one.Header.Ended != f.Ended || one.Incomplete != f.Incomplete {
			t.Errorf("it is listed as %+v, %v, and is %+v", one.Header, one.Err, f.Header)
		}
		all = append(all, f)
	}
	return all
}

// own makes the caller's goroutine that of a match, which it is until the match ends.
func (w *testRegistry) own(id string, m *Match) {
	w.t.Helper()
	if err := w.Pause(w.t.Context(), id, true); err != nil {
		w.t.Fatal(err)
	}
	for ours := false; !ours; runtime.Gosched() {
		m.box.mu.Lock()
		ours = !m.box.running
		m.box.running = true
		m.box.mu.Unlock()
	}
}

// noise runs a tick that gets bytes which cannot be compressed.
func (m *Match) noise(n int) {
	data := make([]byte, n)
	_, _ = rand.Read(data)
	m.loop([]*Data{{Presence: testPerson("ann", uuid.Must(uuid.NewV4())), Data: data}}, 0, 0)
}

// A recording that is kept is in its file before the match ends, up to the last minute. It can be
// read although the end is missing, and needs no memory.
func TestRecordingIsInItsFileWhileTheMatchRuns(t *testing.T) {
	blockDecoder() // which other tests use as well
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		rec := newTestRecorder(t, folder, 1<<20)
		w := newTestRegistry(t, Options{Recorder: rec})
		id, _ := w.play("game", &game{rate: 1})
		pass(keptSegment - 5*time.Second)
		rec.Flush()
		if n := len(rec.files(t)); n != 0 {
			t.Fatalf("there are %d files before a segment is complete", n)
		}
		pass(10 * time.Second)
		rec.Flush()
		all := rec.files(t)
		if len(all) != 1 {
			t.Fatalf("there are %d files while the match runs", len(all))
		}
		f := all[0]
		if !f.Incomplete || !f.Ended.IsZero() || f.Match != id || !f.First || f.Tick < 58 || f.Tick > 61 {
			t.Errorf("while the match runs the file is %+v, incomplete %v", f.Header, f.Incomplete)
		}
		if rec.Used() > 1<<10 {
			t.Errorf("%d bytes are in memory", rec.Used())
		}
		w.Stop(t.Context(), 0)
		rec.Flush()
		all = rec.files(t)
		if len(all) != 1 || all[0].Incomplete || all[0].Ended.IsZero() || all[0].Tick < 64 {
			t.Errorf("after the end there are %d files, of which the first is %+v", len(all), all[0].Header)
		}
	})
}

// Whatever happens to the files while a match runs, each has ticks that follow each other, and
// together they have all that nobody removed and memory could keep.
func TestRecordingInSeveralFiles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		folder := filepath.Join(t.TempDir(), "recordings")
		rec := newTestRecorder(t, folder, rapid.SampledFrom([]int{400 << 10, 1 << 20}).Draw(rt, "size of a file"))
		w := newTestRegistry(t, Options{Recorder: rec})
		id, m := w.play("game", &game{rate: 1})
		w.own(id, m)
		moved, lossy := "", false // where the folder is while it cannot be written to
		for range rapid.IntRange(1, 25).Draw(rt, "moves") {
			switch rapid.IntRange(0, 9).Draw(rt, "move") {
			case 0:
				if all, _ := filepath.Glob(folder + "/*" + RecordingEnding); len(all) > 0 {
					_ = os.Remove(rapid.SampledFrom(all).Draw(rt, "removed"))
					lossy = true
				}
			case 1:
				if moved != "" {
					_ = os.Remove(folder)
					_ = os.Rename(moved, folder)
					moved = ""
				} else if _, err := os.Stat(folder); err == nil {
					moved, lossy = folder+".away", true
					_ = os.Rename(folder, moved)
					_ = os.WriteFile(folder, nil, 0o600)
				}
			default:
				m.noise(rapid.SampledFrom([]int{100, maxSegment / 2, maxSegment}).Draw(rt, "bytes"))
			}
			rec.Flush()
		}
		if moved != "" {
			_ = os.Remove(folder)
			_ = os.Rename(moved, folder)
		}
		m.stop()
		rec.Flush()
		next, all := int64(0), rec.files(t)
		for i, f := range all {
			if f.Incomplete && !lossy || f.Incomplete && i == len(all)-1 {
				rt.Errorf("file %d of %d has no end", i, len(all))
			}
			if f.First != (i == 0) && !lossy {
				rt.Errorf("file %d begins with the match: %v", i, f.First)
			}
			file, err := os.Open(f.file.Name())
			if err != nil {
				rt.Fatal(err)
			}
			whole, err := readRecording(file, f.decode)
			_ = file.Close()
			if err != nil {
				rt.Fatal(err)
			}
			within := int64(-1)
			for _, s := range whole.Segments {
				for _, step := range s.Steps {
					if within >= 0 && step.Tick != within || step.Tick < next || !lossy && step.Tick != next {
						rt.Fatalf("file %d goes on with tick %d, want %d", i, step.Tick, max(within, next))
					}
					within, next = step.Tick+1, step.Tick+1
				}
			}
		}
		if len(all) == 0 || all[len(all)-1].Tick != m.tick || !lossy && next != m.tick {
			rt.Errorf("the match ends with tick %d, the %d files with %d", m.tick, len(all), next)
		}
		if rec.Used() != 0 {
			rt.Errorf("%d bytes are in memory after the match", rec.Used())
		}
	})
}

// Each recording gets a name of its own, and the recorder does not try for ever if there is none.
func TestNamesOfRecordings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	names := map[string]bool{}
	for range 50 {
		path, err := newRecording(folder, "h", "m.here")
		if err != nil || names[path] {
			t.Fatalf("the file is %s, which another one is: %v (%v)", path, names[path], err)
		}
		names[path] = true
	}
	for path := range names {
		if err := os.Rename(path, strings.TrimSuffix(path, hiddenEnding)); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		path, err := newRecording(folder, "h", "m.here")
		if err != nil || names[path] {
			t.Fatalf("the file is %s, which another one is: %v (%v)", path, names[path], err)
		}
		names[path] = true
	}
	if _, err := newRecording(folder, "h", strings.Repeat("m", 300)); err == nil {
		t.Error("a file has a name of more than 300 bytes")
	}
}
