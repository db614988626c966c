package match

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
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
