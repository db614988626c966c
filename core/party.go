package core

import (
	"context"
	"errors"
	"math"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/match/party"
	"kumi/store/fault"
)

// partyPosition is the end of a page of parties. It is bound to the request.
type partyPosition struct {
	Query  string `json:"q"`
	Limit  int    `json:"l"`
	Open   *bool  `json:"o"`
	Hidden bool   `json:"h"`
	// party.Position, with the bits of the score.
	Score   uint64    `json:"s"`
	Created int64     `json:"c"`
	ID      uuid.UUID `json:"i"`
}

func (p *partyPosition) fits(f *party.ListFilter) bool {
	sameOpen := p.Open == nil && f.Open == nil || p.Open != nil && f.Open != nil && *p.Open == *f.Open
	return sameOpen && p.Query == f.Query && p.Limit == f.Limit && p.Hidden == f.Hidden
}

var errPartyCursor = fault.New(fault.InvalidArgument, errorListing+" The cursor is not one of this list.")

// partyPage lists one page. Code 3 for a bad query and for a cursor of another
// list.
func (c *Core) partyPage(ctx context.Context, f party.ListFilter, cursor string) ([]*api.Party, string, error) {
	if cursor != "" {
		var at partyPosition
		if err := decodeCursor(partyCursor, cursor, &at); err != nil || !at.fits(&f) {
			return nil, "", errPartyCursor
		}
		f.After = &party.Position{Score: math.Float64frombits(at.Score), Created: at.Created, ID: at.ID}
	}
	found, next, err := c.parties.List(ctx, f)
	if err != nil || next == nil {
		return found, "", err
	}
	cursor, err = encodeCursor(partyCursor, &partyPosition{
		Query: f.Query, Limit: f.Limit, Open: f.Open, Hidden: f.Hidden, Score: math.Float64bits(next.Score),
		Created: next.Created, ID: next.ID,
	})
	return found, cursor, err
}

// ListParties lists parties that are not hidden, for a client. Code 3 for the
// limit and for a cursor of another list, 13 for a query that does not parse.
func (c *Core) ListParties(ctx context.Context, _ uuid.UUID, in *api.ListPartiesRequest) (*api.PartyList, error) {
	f := party.ListFilter{Limit: 10, Query: in.GetQuery().GetValue()}
	if l := in.GetLimit(); l != nil {
		if l.Value < 1 || l.Value > 100 {
			return nil, invalid("Invalid limit - limit must be between 1 and 100.")
		}
		f.Limit = int(l.Value)
	}
	if o := in.GetOpen(); o != nil {
		f.Open = &o.Value
	}
	found, cursor, err := c.partyPage(ctx, f, in.GetCursor().GetValue())
	switch {
	case errors.Is(err, errPartyCursor):
		return nil, err
	case err != nil:
		return nil, badListing(err)
	}
	return &api.PartyList{Parties: found, Cursor: cursor}, nil
}

// PartyList implements runtime.NakamaModule. Code 3 for a limit that is not 1
// to 100, a query that does not parse and a cursor of another list.
func (m *Module) PartyList(ctx context.Context, limit int, open *bool, showHidden bool, query, cursor string) ([]*api.Party, string, error) {
	if limit < 1 || limit > 100 {
		return nil, "", fault.New(fault.InvalidArgument, "expects limit to be between 1 and 100")
	}
	return m.core.partyPage(ctx, party.ListFilter{Limit: limit, Open: open, Hidden: showHidden, Query: query}, cursor)
}
