package core

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/consolepb"
	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

// maxListedMatches is how many matches an operator can list, who sees all of them.
const maxListedMatches = 10_000

// ListRunningMatches lists matches, up to 1 to 10,000, by default 100, or the one with an id,
// which may also be the query for authoritative matches. Errors as in ListMatches.
func (k *Console) ListRunningMatches(ctx context.Context, in *consolepb.ListMatchesRequest) (*consolepb.MatchList, error) {
	out := &consolepb.MatchList{}
	here := k.tracker.Node()
	add := func(m *api.Match) {
		node := here // of a relayed match, which is everywhere
		if id, of, _ := match.ParseID(m.MatchId); of != "" {
			node = k.matches.Owner(presence.AuthoritativeMatch(id, of))
		}
		if in.Node.GetValue() == "" || in.Node.GetValue() == node {
			out.Matches = append(out.Matches, &consolepb.MatchList_Match{ApiMatch: m, Node: node})
		}
	}
	id := in.MatchId
	if id == "" && in.Authoritative.GetValue() {
		if _, _, err := match.ParseID(in.Query.GetValue()); err == nil {
			id = in.Query.Value
		}
	}
	if id != "" {
		m, err := k.matches.Get(ctx, id)
		if m != nil {
			add(m)
		}
		return out, err
	}
	request := &api.ListMatchesRequest{
		Limit: in.Limit, Authoritative: in.Authoritative, Label: in.Label, MinSize: in.MinSize, MaxSize: in.MaxSize, Query: in.Query,
	}
	if request.Limit == nil {
		request.Limit = wrapperspb.Int32(100)
	}
	list, err := k.listMatches(ctx, request, maxListedMatches, in.Node.GetValue())
	for _, m := range list.GetMatches() {
		add(m)
	}
	return out, err
}

// GetMatchState returns who is in a match, and of an authoritative one its tick and what
// the handler says of its state. InvalidArgument for a match that does not exist.
func (k *Console) GetMatchState(ctx context.Context, in *consolepb.MatchStateRequest) (*consolepb.MatchState, error) {
	id, node, err := match.ParseID(in.Id)
	if err != nil {
		return nil, err
	}
	out := &consolepb.MatchState{}
	var members []*presence.Presence
	if node == "" {
		members = k.tracker.List(presence.RelayedMatch(id), true, true)
	} else {
		members, out.Tick, out.State, err = k.matches.State(ctx, in.Id)
	}
	if fault.CodeOf(err) == fault.NotFound || err == nil && node == "" && len(members) == 0 {
		return nil, fault.Wrap(fault.InvalidArgument, "Match not found, or match already ended.", err)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range members {
		u := p.UserPresence()
		out.Presences = append(out.Presences, &consolepb.UserPresence{
			UserId: u.UserId, SessionId: u.SessionId, Username: u.Username, Persistence: u.Persistence, Status: u.Status,
		})
	}
	return out, nil
}

// maxMatchGrace is the longest grace period of a match that is ended, in seconds.
const maxMatchGrace = 600

// EndMatch ends a match. With a grace period, in seconds, the handler's matchTerminate is
// called, and the match may go on for so long. NotFound if there is no such match.
func (k *Console) EndMatch(ctx context.Context, in *consolepb.EndMatchRequest) error {
	if in.GraceSec < 0 || in.GraceSec > maxMatchGrace {
		return invalid("grace_sec must be between 0 and %d.", maxMatchGrace)
	}
	return k.matches.End(ctx, in.Id, time.Duration(in.GraceSec)*time.Second)
}

// KickFromMatch makes a user, with all sessions, or one session leave a match; the
// handler's matchLeave is called. NotFound if it is not in the match.
func (k *Console) KickFromMatch(ctx context.Context, in *consolepb.KickFromMatchRequest) (*consolepb.KickFromMatchResponse, error) {
	if (in.UserId == "") == (in.SessionId == "") {
		return nil, invalid("Requires either user_id or session_id.")
	}
	what, text := "user", in.UserId
	if text == "" {
		what, text = "session", in.SessionId
	}
	id, err := consoleID(what, text)
	if err != nil {
		return nil, err
	}
	kicked, err := k.matches.Kick(ctx, in.Id, func(user, session uuid.UUID) bool {
		return what == "user" && user == id || what == "session" && session == id
	})
	if err == nil && kicked == 0 {
		err = fault.Newf(fault.NotFound, "The %s is not in the match.", what)
	}
	return &consolepb.KickFromMatchResponse{Kicked: int32(kicked)}, err
}

// SignalMatch sends data to an authoritative match, whose matchSignal returns the answer.
// It waits for up to 10 s. NotFound if there is no such match, Unavailable if it is busy.
func (k *Console) SignalMatch(ctx context.Context, in *consolepb.SignalMatchRequest) (*consolepb.SignalMatchResponse, error) {
	answer, err := k.matches.Signal(ctx, in.Id, in.Data)
	return &consolepb.SignalMatchResponse{Data: answer}, err
}
