package core

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

// MatchWatch shows a match to a page. Its methods belong to one goroutine.
type MatchWatch struct {
	*match.Watch
	dev   bool
	shown match.Description // what the page has; zero: nothing
}

// newTicks is how many ticks one message to a page has.
const newTicks = 100

// WatchMatch begins to watch a match; the result has to be closed. InvalidArgument for an
// id that is none, NotFound for a match that does not exist.
func (k *Console) WatchMatch(id string) (*MatchWatch, error) {
	w, err := k.matches.Watch(id)
	if errors.Is(err, match.ErrNotFound) {
		return nil, fault.Wrap(fault.NotFound, "Match not found, or match already ended.", err)
	}
	if err != nil {
		return nil, err
	}
	return &MatchWatch{Watch: w, dev: k.o.Dev}, nil
}

// News returns what the page has not seen, nil if that is nothing.
func (w *MatchWatch) News() *consolepb.MatchNews {
	ended := w.Ended() // before the ticks are read, so that the last of them are there
	out := &consolepb.MatchNews{}
	ticks, missed := w.Next(newTicks)
	for i := range ticks {
		out.Ticks = append(out.Ticks, watchedTick(&ticks[i]))
	}
	out.Missed = float64(missed)
	if s := w.State(); s != nil {
		out.State = watchedState(s)
	}
	d := w.Describe()
	d.Ended = ended
	if !d.Equal(&w.shown) {
		out.Match, w.shown = w.described(&d), d
	}
	if out.Match == nil && out.State == nil && len(ticks) == 0 {
		return nil
	}
	return out
}

func (w *MatchWatch) described(d *match.Description) *consolepb.MatchNews_Match {
	m := &consolepb.MatchNews_Match{
		Id: d.ID, Label: valid(d.Label), Handler: valid(d.Handler), Runtime: d.Runtime, TickRate: int32(d.TickRate),
		Paused: d.Paused, CanPause: w.dev && d.Handler != "", Ended: d.Ended,
	}
	if d.TickRate > 0 {
		m.BudgetMs = milliseconds(time.Second / time.Duration(d.TickRate))
	}
	for _, p := range d.Presences {
		m.Presences = append(m.Presences, watchedPresence(p))
	}
	return m
}

// valid makes a text of modules or players valid.
func valid(text string) string { return strings.ToValidUTF8(text, "\ufffd") }

func watchedPresence(p *presence.Presence) *consolepb.UserPresence {
	if p == nil {
		return nil
	}
	return &consolepb.UserPresence{
		UserId: p.UserID.String(), SessionId: p.Session.String(), Username: valid(p.Username), Persistence: p.Persistence,
	}
}

func watchedTick(t *match.Tick) *consolepb.MatchNews_Tick {
	out := &consolepb.MatchNews_Tick{
		Number: float64(t.Number), Time: timestamppb.New(t.At), TookMs: milliseconds(t.Took), Queued: uint32(t.Queued), Skipped: uint32(t.Skipped),
		AllInputs: uint32(t.AllInputs), AllBroadcasts: uint32(t.AllBroadcasts), Error: valid(t.Error), Stack: valid(t.Stack),
		Inputs: watchedData(t.Inputs), Broadcasts: watchedData(t.Broadcasts),
	}
	for _, e := range t.Events {
		out.Events = append(out.Events, &consolepb.MatchNews_Event{Kind: e.Kind, Presence: watchedPresence(e.Presence), Text: valid(e.Text)})
	}
	return out
}

func watchedData(list []match.Passed) (out []*consolepb.MatchNews_Data) {
	for i := range list {
		p := &list[i]
		out = append(out, &consolepb.MatchNews_Data{
			Sender: watchedPresence(p.Sender), OpCode: p.OpCode, Size: uint32(p.Size), Data: p.Data, Receivers: int32(p.Receivers),
		})
	}
	return out
}

func watchedState(s *match.State) *consolepb.MatchNews_State {
	out := &consolepb.MatchNews_State{Tick: float64(s.Tick), TookMs: milliseconds(s.Took)}
	switch {
	case s.Err != nil:
		out.Error = valid(fault.Text(s.Err))
	case json.Valid([]byte(s.Text)):
		out.Json = valid(s.Text)
	default:
		out.Text = valid(s.Text)
	}
	return out
}

// PatchMatchState changes the state of a match of a script between two ticks, by a JSON
// merge patch: what the patch does not name is left alone.
//
// Errors: InvalidArgument for an id that is none, for a patch that is not JSON or null, and
// for one that would change something of which JSON shows only a part (the text has its
// path); NotFound, FailedPrecondition for a match in Go, Unavailable if the match is busy.
func (k *Console) PatchMatchState(ctx context.Context, in *consolepb.PatchMatchStateRequest) error {
	return matchError(k.matches.PatchState(ctx, in.Id, in.Patch))
}

var errNotDev = fault.New(fault.FailedPrecondition, "Matches can be paused only where the server runs as kumi dev.")

// PauseMatch stops the ticks of a match until ResumeMatch. FailedPrecondition unless the
// server runs as kumi dev.
func (k *Console) PauseMatch(ctx context.Context, in *consolepb.MatchWatchRequest) error {
	if !k.o.Dev {
		return errNotDev
	}
	return matchError(k.matches.Pause(ctx, in.Id, true))
}

// ResumeMatch lets a match go on that was paused.
func (k *Console) ResumeMatch(ctx context.Context, in *consolepb.MatchWatchRequest) error {
	if !k.o.Dev {
		return errNotDev
	}
	return matchError(k.matches.Pause(ctx, in.Id, false))
}

// StepMatch runs one tick of a match that is paused, FailedPrecondition if it is not.
func (k *Console) StepMatch(ctx context.Context, in *consolepb.MatchWatchRequest) error {
	if !k.o.Dev {
		return errNotDev
	}
	return matchError(k.matches.Step(ctx, in.Id))
}

// matchError gives an error of a match a text for operators.
func matchError(err error) error {
	switch {
	case errors.Is(err, match.ErrNotFound):
		return fault.Wrap(fault.NotFound, "Match not found, or match already ended.", err)
	case errors.Is(err, match.ErrBusy):
		return fault.Wrap(fault.Unavailable, "The match is busy.", err)
	}
	return err
}
