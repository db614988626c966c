package presence

import (
	"testing"

	"github.com/gofrs/uuid/v5"
)

// A session that joins and leaves a stream with ten others, whose events are sent.
func BenchmarkTrack(b *testing.B) {
	f, room := benchRoom(10)
	s := f.session("s")
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = f.Track(s.id, room, Meta{})
		f.Untrack(s.id, room, 0)
	}
	f.Tracker.Close()
}

// The same on a stream of its own, as a status that nobody follows.
func BenchmarkTrackAlone(b *testing.B) {
	f, _ := benchRoom(0)
	s := f.session("s")
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = f.Track(s.id, StatusOf(s.user), Meta{})
		f.Untrack(s.id, StatusOf(s.user), 0)
	}
	f.Tracker.Close()
}

func BenchmarkReads(b *testing.B) {
	f, room := benchRoom(10)
	member := f.entriesOf(room)[5].id
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			f.Count(room)
		}
	})
	b.Run("online", func(b *testing.B) {
		user := uuid.Must(uuid.NewV4())
		for b.Loop() {
			f.Online(user)
		}
	})
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			f.Get(member, room)
		}
	})
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			f.List(room, true, true)
		}
	})
}

func benchRoom(n int) (*field, Stream) {
	f := newField(0)
	room := Stream{Mode: ModeRoom, Label: "lobby"}
	for range n {
		made := f.session("s")
		f.sessions.Remove(made.id)
		f.sessions.Add(&sink{fake{id: made.id, user: made.user}})
		_, _, _ = f.Track(made.id, room, Meta{Hidden: true})
	}
	return f, room
}
