package match

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/klauspost/compress/zstd"

	"kumi/internal/journal"
	"kumi/presence"
)

func testPerson(name string, user uuid.UUID) *presence.Presence {
	p := &presence.Presence{}
	p.Node, p.Session, p.UserID, p.Username = "here", uuid.Must(uuid.NewV4()), user, name
	return p
}

// writeRecording writes a file with one segment, which calls fills.
func writeRecording(t testing.TB, members []*presence.Presence, calls func(*Match)) *os.File {
	t.Helper()
	rec := NewRecorder(RecorderOptions{Folder: t.TempDir(), MaxMatch: 1 << 20, MaxAll: 1 << 20})
	rec.Flush() // its goroutine is this one from now on
	m := &Match{journal: &journal.Journal{}, tape: &tape{recorder: rec, people: map[presence.ID]person{}}}
	m.tape.ring.recorder = rec
	m.list, m.tick = members, 7
	label := "a label"
	m.label.Store(&label)
	m.recordRestore(&Snapshot{Rate: 10, Label: label, State: []byte("{}")})
	m.recordedRestore(true, nil)
	m.tape.beginSegment(m, time.Now())
	calls(m)
	m.tape.ring.add(m.tape.seg, m.tape.buf)
	s := &saved{Header: Header{Match: "m.here", Handler: "h", Ended: time.Now()}, birth: m.tape.birth, segments: m.tape.ring.segments, file: &recordFile{}}
	if err := rec.write(s); err != nil {
		t.Fatal(err)
	}
	if err := s.file.show(); err != nil {
		t.Fatal(err)
	}
	path := s.file.path
	if err := rec.end(s.file, s.Header); err != nil {
		t.Fatal(err)
	}
	return openTest(t, path)
}

func openTest(t testing.TB, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// someCalls records a few of each kind.
func someCalls(m *Match) {
	p := testPerson("carl", uuid.Must(uuid.NewV4()))
	end := func() { m.tape.done(true, nil) }
	m.recordAttempt(&attempt{joiner: &Joiner{Presence: *p, Vars: map[string]string{"a": "b"}}})
	m.recordVerdict(Verdict{Accept: true})
	end()
	m.recordReturn(p, p)
	m.recordPeople(recJoin, []*presence.Presence{p})
	end()
	m.recordLoop([]*Data{{Presence: p, OpCode: 1, Data: []byte("input")}})
	m.tape.entry(journal.Entry{Kind: journal.Call, Name: "uuid_v4", Data: []byte("id")})
	m.tape.broadcast(2, make([]byte, 2*keptPayload), &broadcast{to: []uuid.UUID{p.Session}}, nil, true)
	m.recordKick(p.Session)
	end()
	m.recordText(recSignal, "signal")
	m.recordReply("reply")
	end()
}

// readAll reads all that a file has.
func readAll(file *os.File) error {
	f, err := ReadRecordingFile(file, func([]byte) (map[string]any, error) { return nil, nil })
	if err != nil {
		return err
	}
	_, err = f.Birth()
	for i := range f.Segments() {
		if _, failed := f.Segment(i); err == nil {
			err = failed
		}
		if _, failed := f.Whole(i); err == nil {
			err = failed
		}
	}
	_, failed := f.Ticks(0, 1000)
	return errors.Join(err, failed)
}

// crafted writes a file whose only segment has the given bytes.
func crafted(t testing.TB, segment []byte) *os.File {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	b := []byte(recordingMagic)
	for _, block := range []struct {
		kind byte
		raw  []byte
	}{{blockHeader, []byte(`{"match":"m.here","ended":"2026-01-01T00:00:00Z"}`)}, {blockSegment, segment}} {
		data := z.EncodeAll(block.raw, nil)
		b = append(binary.AppendUvarint(append(b, block.kind), uint64(len(data))), data...)
	}
	path := filepath.Join(t.TempDir(), "crafted"+RecordingEnding)
	if err := os.WriteFile(path, append(b, blockEnd, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	return openTest(t, path)
}

// craftedHead is the beginning of a segment without a state.
var craftedHead = []byte{14, 0, 0, 20, 0, 0}

// repeated returns bytes that are repeated until there are n.
func repeated(b []byte, n int) []byte {
	all := make([]byte, 0, n+len(b))
	for len(all) < n {
		all = append(all, b...)
	}
	return all
}

// A small file that becomes large when it is read must be refused, and must not take more
// memory than a few times the limits. That of what is read into memory is tried with a part of
// it, since it counts bytes.
func TestReadCraftedRecording(t *testing.T) {
	const part = 16
	const large, budget = 8 << 20 / part, maxParsed / part
	count := binary.AppendUvarint(nil, large)
	noMembers := append(craftedHead[:len(craftedHead):len(craftedHead)], 0, 0)
	loop := append(noMembers[:len(noMembers):len(noMembers)], recLoop, 14)
	for name, segment := range map[string][]byte{
		"members that are missing": append(append(craftedHead[:len(craftedHead):len(craftedHead)], count...), make([]byte, large)...),
		"members without a number": append(append(craftedHead[:len(craftedHead):len(craftedHead)], count...), repeated([]byte{9}, large)...),
		"inputs":                   append(append(loop[:len(loop):len(loop)], count...), make([]byte, large)...),
		"outputs":                  append(append(loop[:len(loop):len(loop)], 0), repeated([]byte{recReply, 0}, large)...),
		"entries":                  append(append(loop[:len(loop):len(loop)], 0), repeated([]byte{recEntry, byte(journal.Time), 0}, large)...),
		"calls":                    append(noMembers[:len(noMembers):len(noMembers)], repeated([]byte{recSnapshot, 14, recDone, 1, 0}, large)...),
	} {
		t.Run(name, func(t *testing.T) {
			r := newStepReader(segment)
			if r.budget != maxParsed {
				t.Errorf("the budget is %d", r.budget)
			}
			r.budget = budget
			bounded(t, 6*budget, func() error { _, err := r.segment(); return err })
		})
	}
	t.Run("larger than a block", func(t *testing.T) {
		f, err := ReadRecordingFile(crafted(t, append(noMembers[:len(noMembers):len(noMembers)], make([]byte, maxBlock)...)), nil)
		if err != nil {
			t.Fatal(err)
		}
		bounded(t, 4*maxBlock, func() error { _, err := f.Segment(0); return err })
	})
}

// bounded checks that read fails, and how much memory it takes until then.
func bounded(t *testing.T, most uint64, read func() error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := read(); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("the error is %v", err)
	}
	runtime.ReadMemStats(&after)
	// Slices that grow are allocated several times.
	if took := after.TotalAlloc - before.TotalAlloc; took > most {
		t.Errorf("%d MB were allocated", took>>20)
	} else {
		t.Logf("%d MB", took>>20)
	}
}

// FuzzReadRecordingFile reads any bytes as a file, and as the bytes of a segment.
func FuzzReadRecordingFile(f *testing.F) {
	file := writeRecording(f, []*presence.Presence{testPerson("ann", uuid.Must(uuid.NewV4()))}, someCalls)
	if err := readAll(file); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(file.Name())
	if err != nil {
		f.Fatal(err)
	}
	r, err := ReadRecordingFile(file, nil)
	if err != nil {
		f.Fatal(err)
	}
	segment, err := r.segments[0].read(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(segment)
	for i := 0; i < len(segment); i += 16 {
		damaged := append([]byte(nil), segment...)
		damaged[i] ^= 0xff
		f.Add(damaged)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "any"+RecordingEnding)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = readAll(openTest(t, path))
		_ = readAll(crafted(t, data))
	})
}

// The version of the format is named if it is not known, and older ones are read.
func TestReadRecordingVersions(t *testing.T) {
	t.Parallel()
	for version, want := range map[byte]string{0: "versions 1 to 3", 1: "", 2: "", 3: "", 4: "has version 4, and this server reads versions 1 to 3"} {
		whole, err := os.ReadFile(writeRecording(t, nil, someCalls).Name())
		if err != nil {
			t.Fatal(err)
		}
		whole[len(recordingMagic)-1] = version
		path := filepath.Join(t.TempDir(), "version"+RecordingEnding)
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := readAll(openTest(t, path)); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("version %d: %v, want %q", version, err, want)
		}
	}
}

// Who is in the match is what the recording says: a player of a restored match who comes back
// takes the place of the old session, a second session of a user does not, whether it asked to
// join or was put on the stream.
func TestRecordedMembersAfterRestore(t *testing.T) {
	t.Parallel()
	old, same := testPerson("ann", uuid.Must(uuid.NewV4())), testPerson("bob", uuid.Must(uuid.NewV4()))
	back, asked, put := testPerson("ann", old.UserID), testPerson("ann", old.UserID), testPerson("ann", old.UserID)
	again := *same
	file := writeRecording(t, []*presence.Presence{old, same}, func(m *Match) {
		call := func(record func()) {
			record()
			m.tape.done(true, nil)
		}
		join := func(p *presence.Presence) { call(func() { m.recordPeople(recJoin, []*presence.Presence{p}) }) }
		tick := func() {
			call(func() {
				m.recordLoop(nil)
				m.tape.broadcast(1, []byte("hi"), &broadcast{all: true}, nil, true)
			})
			m.tick++
		}
		tick()
		m.recordReturn(old, back)
		join(back)
		tick()
		m.recordReturn(same, &again)
		tick()
		call(func() { m.recordAttempt(&attempt{joiner: &Joiner{Presence: *asked}}) })
		call(func() { m.recordText(recSignal, "between the attempt and its join") })
		join(asked)
		join(put)
		tick()
		call(func() { m.recordPeople(recLeave, []*presence.Presence{back, put}) })
		tick()
	})
	f, err := ReadRecordingFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	for tick, want := range [][]*presence.Presence{{old, same}, {same, back}, {back, same}, {back, same, asked, put}, {same, asked}} {
		got, members, err := f.ReadTick(7 + int64(tick))
		if err != nil || got == nil || got.Broadcasts[0].Receivers != len(want) || !slices.EqualFunc(members, want, func(a, b *presence.Presence) bool { return a.Session == b.Session }) {
			t.Errorf("tick %d: %v, members %v, want %v, %v", 7+tick, got, members, want, err)
		}
	}
}
