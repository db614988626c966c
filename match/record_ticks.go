package match

import (
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// RecordedTick is a line of a recording's time line.
type RecordedTick struct {
	Number int64
	// At is about when it was: ticks are counted from the beginning of the segment.
	At time.Time
	// Inputs and Broadcasts are how many there were, and Size is their bytes.
	Inputs, Broadcasts, Size int
	Events                   []string // the first maxTickEvents
	Error                    string
}

const (
	// maxTickEvents is how many events a line of the time line has, and maxTickText how many
	// bytes of each.
	maxTickEvents = 5
	maxTickText   = 120
)

// Ticks returns the ticks from one on, below another one.
func (f *RecordingFile) Ticks(from, to int64) (all []RecordedTick, err error) {
	w := tickWalk{file: f, from: from, to: to}
	err = w.walk(func(s *Step) {
		t := &RecordedTick{Number: s.Tick}
		if n := len(all); n > 0 && all[n-1].Number == s.Tick {
			t = &all[n-1]
		} else {
			t.At = w.time(s.Tick)
			all = append(all, *t)
			t = &all[n]
		}
		t.Inputs += len(s.Input)
		for _, d := range s.Input {
			t.Size += len(d.Data)
		}
		for i := range s.Outputs {
			if s.Outputs[i].Kind == recBroadcast {
				t.Broadcasts++
				t.Size += s.Outputs[i].Size
			}
		}
		for _, e := range w.events(s) {
			if len(t.Events) < maxTickEvents {
				t.Events = append(t.Events, cut(e.String(), maxTickText))
			}
		}
		if s.Error != "" {
			t.Error = cut(s.Name()+": "+s.Error, 4*maxTickText)
		}
	})
	return all, err
}

// ReadTick returns what happened in a tick, as somebody who watched the match would have seen
// it, and who was in the match afterwards; nil if the recording has no such tick.
func (f *RecordingFile) ReadTick(number int64) (*Tick, []*presence.Presence, error) {
	w := tickWalk{file: f, from: number, to: number + 1}
	t, found := &Tick{Number: number}, false
	err := w.walk(func(s *Step) {
		found = true
		if t.At.IsZero() {
			t.At = w.time(number)
		}
		t.AllInputs += len(s.Input)
		for _, d := range s.Input {
			t.Inputs = t.keep(t.Inputs, Passed{Sender: d.Presence, OpCode: d.OpCode}, d.Data)
		}
		for i := range s.Outputs {
			o := &s.Outputs[i]
			if o.Kind != recBroadcast {
				continue
			}
			t.AllBroadcasts++
			before := len(t.Broadcasts)
			t.Broadcasts = t.keep(t.Broadcasts, Passed{OpCode: o.OpCode, Receivers: w.receivers(o)}, o.Data)
			if len(t.Broadcasts) > before {
				t.Broadcasts[before].Size = o.Size // o.Data may be the beginning
			}
		}
		for _, e := range w.events(s) {
			t.event(e)
		}
		if s.Error != "" {
			t.Error = cut(s.Name()+": "+s.Error, 4*keptData)
			if s.Tick == f.Tick && !s.Alive {
				t.Stack = cut(f.Stack, 16*keptData)
			}
		}
	})
	if err != nil || !found {
		return nil, nil, err
	}
	c := t.clone()
	return &c, w.members, nil
}

// tickWalk goes through the calls of some ticks and knows who is in the match.
type tickWalk struct {
	file     *RecordingFile
	from, to int64
	segment  *Segment
	members  []*presence.Presence
}

// walk calls do for each call; w.members are those who are in the match before it.
func (w *tickWalk) walk(do func(*Step)) error {
	first, err := w.file.Find(w.from)
	if err != nil {
		return err
	}
	if first == 0 && w.file.birth != nil && w.file.First {
		birth, err := w.file.Birth()
		if err != nil {
			return err
		}
		if w.from <= birth.Tick && birth.Tick < w.to {
			w.segment = &Segment{Time: w.file.Created}
			do(birth)
		}
	}
	for i := first; i < w.file.Segments(); i++ {
		if starts, err := w.file.Starts(i); err != nil || starts >= w.to {
			return err
		}
		if w.segment, err = w.file.Segment(i); err != nil {
			return err
		}
		w.members = slices.Clone(w.segment.Members)
		for _, s := range w.segment.Steps {
			if s.Tick >= w.to {
				return nil
			}
			if s.Tick >= w.from {
				do(s)
			}
			w.follow(s)
		}
	}
	return nil
}

// follow notes who joined and left with a call, and who came back to a restored match. Files
// before version 3 do not have returns: the old session of who came back with another one stays.
func (w *tickWalk) follow(s *Step) {
	switch s.Kind {
	case recJoin:
		w.members = append(w.members, s.People...)
	case recReturn: // with another session its join follows
		away, back := s.People[0], s.People[1]
		w.remove(away)
		if away.Session == back.Session {
			w.members = append(w.members, back)
		}
	case recLeave:
		for _, gone := range s.People {
			w.remove(gone)
		}
	}
}

// remove removes a session.
func (w *tickWalk) remove(gone *presence.Presence) {
	w.members = slices.DeleteFunc(w.members, func(p *presence.Presence) bool { return p.Session == gone.Session })
}

// time returns about when a tick was.
func (w *tickWalk) time(tick int64) time.Time {
	s := w.segment
	if s.TickRate <= 0 {
		return s.Time
	}
	return s.Time.Add(time.Duration(tick-s.Tick) * time.Second / time.Duration(s.TickRate))
}

func (w *tickWalk) receivers(o *Output) int {
	if o.All {
		return len(w.members)
	}
	return len(o.To)
}

func (w *tickWalk) member(session uuid.UUID) *presence.Presence {
	for _, p := range w.members {
		if p.Session == session {
			return p
		}
	}
	return nil
}

// events are what a call was about, and what it did, but for messages.
func (w *tickWalk) events(s *Step) (all []Event) {
	switch s.Kind {
	case recInit, recRestore:
		all = append(all, Event{Kind: s.Name(), Text: s.Label})
	case recAttempt:
		all = append(all, Event{Kind: s.Name(), Presence: &s.Joiner.Presence})
	case recReturn:
		all = append(all, Event{Kind: s.Name(), Presence: s.People[1]})
	case recJoin, recLeave:
		for _, p := range s.People {
			all = append(all, Event{Kind: s.Name(), Presence: p})
		}
	case recSignal, recPatch:
		all = append(all, Event{Kind: s.Name(), Text: s.Text})
	case recTerminate:
		all = append(all, Event{Kind: s.Name(), Text: fmt.Sprintf("grace period %d s", s.Grace)})
	}
	for i := range s.Outputs {
		switch o := &s.Outputs[i]; o.Kind {
		case recVerdict:
			if len(all) > 0 {
				all[0].Text = o.String()
			}
		case recReply:
			all = append(all, Event{Kind: "answer", Text: o.Text})
		case recKick:
			all = append(all, Event{Kind: "kick", Presence: w.member(o.To[0])})
		case recLabel:
			all = append(all, Event{Kind: "label", Text: o.Text})
		}
	}
	switch {
	case s.Moved:
		all = append(all, Event{Kind: "reload", Text: "the match moved to reloaded code"})
	case !s.Alive && s.Error == "":
		all = append(all, Event{Kind: "end", Text: "the handler ended the match"})
	}
	return all
}

// String describes an event in one line.
func (e Event) String() string {
	text := e.Kind
	if e.Presence != nil {
		text += " " + e.Presence.Username
	}
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// States returns the last state that was recorded up to the end of a tick, and the one before
// that, as they were written down; nil: there is none.
func (f *RecordingFile) States(tick int64) (now, before *State, err error) {
	last, err := f.Find(tick + 1)
	for i := last; i >= 0 && i < f.Segments() && err == nil; i-- {
		var s *Segment
		if s, err = f.Segment(i); err != nil {
			break
		}
		for _, step := range slices.Backward(s.Steps) {
			if step.State == nil || step.Tick > tick {
				continue
			}
			found := &State{Tick: step.Tick, Text: string(step.State)}
			if now != nil {
				return now, found, nil
			}
			now = found
		}
	}
	return now, nil, err
}
