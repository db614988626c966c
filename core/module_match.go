package core

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

// MatchCreate implements runtime.NakamaModule. Codes are those of
// match.Registry.Create.
func (m *Module) MatchCreate(ctx context.Context, module string, params map[string]any) (string, error) {
	if module == "" {
		return "", invalid("expects module name")
	}
	return m.core.matches.Create(ctx, module, params)
}

// MatchGet implements runtime.NakamaModule: nil if there is no such match.
func (m *Module) MatchGet(ctx context.Context, id string) (*api.Match, error) {
	return m.core.matches.Get(ctx, id)
}

// MatchList implements runtime.NakamaModule. An empty label or query does not
// filter. Scripts use Matches, which can express more.
func (m *Module) MatchList(ctx context.Context, limit int, authoritative bool, label string, minSize, maxSize *int, query string) ([]*api.Match, error) {
	f := match.ListFilter{Limit: limit, Authoritative: &authoritative, MinSize: minSize, MaxSize: maxSize}
	if label != "" {
		f.Label = &label
	}
	if query != "" {
		f.Query = &query
	}
	return m.core.matches.List(ctx, f)
}

// Matches is MatchList for callers that can omit each filter.
func (m *Module) Matches(ctx context.Context, f match.ListFilter) ([]*api.Match, error) {
	return m.core.matches.List(ctx, f)
}

// MatchSignal implements runtime.NakamaModule. It waits up to 10 s for the
// reply. Codes: 3 for the id, 5 for a match that does not exist, 14 if it is
// busy.
func (m *Module) MatchSignal(ctx context.Context, id, data string) (string, error) {
	return m.core.matches.Signal(ctx, id, data)
}

// ListMatches lists matches for a client. Code 3 for filters that contradict
// each other or are out of bounds, 13 for a query that does not parse.
func (c *Core) ListMatches(ctx context.Context, in *api.ListMatchesRequest) (*api.MatchList, error) {
	return c.listMatches(ctx, in, 100, "")
}

// listMatches is ListMatches with up to maxLimit matches; with a node, authoritative ones
// are only those of that node.
func (c *Core) listMatches(ctx context.Context, in *api.ListMatchesRequest, maxLimit int32, node string) (*api.MatchList, error) {
	f := match.ListFilter{Limit: 10, Node: node}
	if l := in.GetLimit(); l != nil {
		if l.Value < 1 || l.Value > maxLimit {
			return nil, invalid("Invalid limit - limit must be between 1 and %d.", maxLimit)
		}
		f.Limit = int(l.Value)
	}
	if a := in.GetAuthoritative(); a != nil {
		f.Authoritative = &a.Value
	}
	if l := in.GetLabel(); l != nil {
		f.Label = &l.Value
	}
	if q := in.GetQuery(); q != nil {
		f.Query = &q.Value
	}
	if f.Authoritative != nil && !*f.Authoritative && (f.Label != nil || f.Query != nil) {
		return nil, invalid("Label filtering is not supported for non-authoritative matches.")
	}
	if n := in.GetMinSize(); n != nil {
		if n.Value < 0 {
			return nil, invalid("Minimum size must be 0 or above.")
		}
		v := int(n.Value)
		f.MinSize = &v
	}
	if n := in.GetMaxSize(); n != nil {
		if n.Value < 0 {
			return nil, invalid("Maximum size must be 0 or above.")
		}
		v := int(n.Value)
		f.MaxSize = &v
	}
	if f.MinSize != nil && f.MaxSize != nil && *f.MinSize > *f.MaxSize {
		return nil, invalid("Maximum size must be greater than or equal to minimum size when both are specified.")
	}
	found, err := c.matches.List(ctx, f)
	if err != nil {
		return nil, badListing(err)
	}
	return &api.MatchList{Matches: found}, nil
}

// SessionDisconnect implements runtime.NakamaModule. An unknown session is no
// error. Code 3 for the id or the reason, 14 if its node does not answer.
func (m *Module) SessionDisconnect(ctx context.Context, session string, reason ...runtime.PresenceReason) error {
	id, err := sessionID(session)
	if err != nil {
		return err
	}
	why := runtime.PresenceReasonDisconnect
	switch {
	case len(reason) > 1:
		return fault.New(fault.InvalidArgument, "expects at most one reason")
	case len(reason) == 1:
		if why = reason[0]; why > runtime.PresenceReasonDisconnect {
			return invalid("reason must be between 0 and %d", runtime.PresenceReasonDisconnect)
		}
	}
	_, err = m.act(ctx, presence.SessionCall{Do: presence.ActDisconnect, Session: id, Meta: presence.Meta{Reason: why}})
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	return err
}

const errorListing = "Error listing matches." // of parties too

// badListing adds the protocol's code to the error of a client's query, which
// says where it is wrong.
func badListing(err error) error {
	if fault.CodeOf(err) != fault.InvalidArgument {
		return err
	}
	return fault.Mistaken(errorListing+" "+fault.MessageOf(err, ""), err)
}
