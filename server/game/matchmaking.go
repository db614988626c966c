package game

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/presence"
)

// matchmaking implements what the matchmaker calls: it calls module code and notifies
// players. Its methods run on the matchmaker's goroutines.
type matchmaking struct {
	log     zerolog.Logger
	hooks   func() *hooks.Registry
	scope   *core.Scope
	router  *presence.Router
	matches *match.Registry
}

// replaced returns the functions of modules that replace parts of a matchmaker pass.
func (g *matchmaking) replaced() (h matchmaker.Hooks) {
	single := g.singles()
	if slot := single.MatchmakerProcessor; slot != nil {
		h.Processor = func(entries []runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry {
			return slot.Call(g.context("matchmaker_processor"), entries)
		}
	}
	if slot := single.MatchmakerOverride; slot != nil {
		h.Override = func(candidates [][]runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry {
			return slot.Call(g.context("matchmaker_override"), candidates)
		}
	}
	return h
}

// singles returns the hooks of which there is one each.
func (g *matchmaking) singles() *hooks.Singles {
	if g.hooks == nil {
		return new(hooks.Singles)
	}
	return &g.hooks().Single
}

func (g *matchmaking) context(mode string) context.Context {
	return core.WithMode(context.Background(), g.scope, mode)
}

// matched makes the place of a formed match and notifies its players, on a single node.
func (g *matchmaking) matched(m *matchmaker.Match) {
	place, _, err := g.place(m)
	if err != nil {
		g.log.Error().Err(err).Int("players", len(m.Entries)).Msg("could not make a match token, the players are not notified")
		return
	}
	g.tell(m, place, func(*matchmaker.Ticket) bool { return true })
}

// What a place begins with: it is the id of a match, or the token of a relayed one.
const (
	placeMatch = "match "
	placeToken = "token "
)

// hooked reports whether a module says where matches are.
func (g *matchmaking) hooked() bool { return g.singles().MatchmakerMatched != nil }

// place returns the place of a formed match: the match that module code returned, otherwise
// a token for a relayed match. undo ends a match that the module made for it.
func (g *matchmaking) place(m *matchmaker.Match) (place string, undo func(), err error) {
	newest := g.matches.Newest()
	if id := g.matchFor(m); id != "" {
		return placeMatch + id, func() { g.matches.EndUnused(id, newest) }, nil
	}
	token, err := g.token()
	return placeToken + token, nil, err
}

// tell notifies the players of those of a match's tickets that are own.
func (g *matchmaking) tell(m *matchmaker.Match, place string, own func(*matchmaker.Ticket) bool) {
	users := make([]*rtapi.MatchmakerMatched_MatchmakerUser, len(m.Entries))
	for i, e := range m.Entries {
		users[i] = &rtapi.MatchmakerMatched_MatchmakerUser{
			Presence: e.Presence.UserPresence(), PartyId: e.Ticket.PartyID,
			StringProperties: e.Ticket.StringProperties, NumericProperties: e.Ticket.NumericProperties,
		}
	}
	id, isMatch := strings.CutPrefix(place, placeMatch)
	for i, e := range m.Entries {
		if !own(e.Ticket) {
			continue
		}
		s := g.router.Session(e.Presence.Session)
		if s == nil {
			continue
		}
		told := &rtapi.MatchmakerMatched{Ticket: e.Ticket.ID, Users: users, Self: users[i]}
		if isMatch {
			told.Id = &rtapi.MatchmakerMatched_MatchId{MatchId: id}
		} else {
			told.Id = &rtapi.MatchmakerMatched_Token{Token: strings.TrimPrefix(place, placeToken)}
		}
		s.Send(presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_MatchmakerMatched{MatchmakerMatched: told}}))
	}
}

// matchFor calls the matched handler and returns the id of its match; empty if there
// is none.
func (g *matchmaking) matchFor(m *matchmaker.Match) string {
	hook := g.singles().MatchmakerMatched
	if hook == nil {
		return ""
	}
	entries := make([]runtime.MatchmakerEntry, len(m.Entries))
	for i, e := range m.Entries {
		entries[i] = e
	}
	log := g.log.With().Str("module", hook.Module).Int("players", len(entries)).Logger()
	id, err := hook.Call(g.context("matchmaker"), entries)
	if err != nil {
		log.Error().Err(err).Msg("matchmaker matched handler failed, the players get a token for a relayed match")
		return ""
	}
	// A Go handler may return any text that its clients understand.
	if id == "" || hook.Runtime == "go" && utf8.ValidString(id) && !strings.Contains(id, "\x00") {
		return id
	}
	if _, node, err := match.ParseID(id); err != nil || node == "" {
		log.Error().Str("match", id).Msg("matchmaker matched handler did not return the id of an authoritative match, the players get a token for a relayed match")
		return ""
	}
	return id
}

func (g *matchmaking) token() (string, error) {
	id, err := uuid.NewV4()
	if err != nil {
		return "", err
	}
	return g.matches.NewToken(id)
}

// ticketTimeoutCode is the code of the notification that a ticket timed out.
// It is outside of the range that the protocol uses.
const ticketTimeoutCode = -100

// timedOut notifies players that their tickets timed out.
func (g *matchmaking) timedOut(tickets []*matchmaker.Ticket) {
	for _, t := range tickets {
		content, _ := json.Marshal(struct {
			Ticket string `json:"ticket"`
			Party  string `json:"party_id,omitempty"`
		}{t.ID, t.PartyID}) // strings always marshal
		id, err := uuid.NewV4()
		if err != nil {
			g.log.Error().Err(err).Str("ticket", t.ID).Msg("could not notify a player of a ticket timeout")
			continue
		}
		m := presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_Notifications{Notifications: &rtapi.Notifications{
			Notifications: []*api.Notification{{
				Id: id.String(), Subject: "matchmaker_ticket_timeout", Content: string(content), Code: ticketTimeoutCode,
				CreateTime: timestamppb.New(time.Now().Truncate(time.Second)),
			}},
		}}})
		for _, p := range t.Presences {
			if s := g.router.Session(p.Session); s != nil {
				s.Send(m)
			}
		}
	}
}
