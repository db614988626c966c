package socket

import (
	"slices"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/presence"
)

// Parties and the matchmaker in both formats: every kind of message that only
// they have goes over the wire and back.
func TestPartyAndMatchmakerFormats(t *testing.T) {
	t.Parallel()
	bothFormats(t, func(t *testing.T, format presence.Format) {
		r := newTestServer(t, nil)
		ann, ben, cat := r.player("ann", format), r.player("ben", format), r.player("cat", format)
		made := ann.call(&rtapi.Envelope{Message: &rtapi.Envelope_PartyCreate{PartyCreate: &rtapi.PartyCreate{
			Open: true, MaxSize: 4, Hidden: true, Label: `{"a":1}`,
		}}}).GetParty()
		if made == nil || !made.Open || !made.Hidden || made.MaxSize != 4 || made.Label != `{"a":1}` || made.Self.GetUserId() != ann.user.String() {
			t.Fatalf("created %v", made)
		}
		id := made.PartyId
		if e := ben.call(&rtapi.Envelope{Message: &rtapi.Envelope_PartyJoin{PartyJoin: &rtapi.PartyJoin{PartyId: id}}}); e.Message != nil {
			t.Fatalf("joined with %v", e)
		}
		joined := ben.expect("party", func(e *rtapi.Envelope) bool { return e.GetParty() != nil }).GetParty()
		if len(joined.Presences) != 2 || joined.Leader.GetSessionId() != made.Self.SessionId || joined.Self.GetUsername() != "ben" {
			t.Errorf("joined %v", joined)
		}
		data := []byte{0, 255, 10}
		ben.call(&rtapi.Envelope{Message: &rtapi.Envelope_PartyDataSend{PartyDataSend: &rtapi.PartyDataSend{PartyId: id, OpCode: -5, Data: data}}})
		got := ann.expect("party data", func(e *rtapi.Envelope) bool { return e.GetPartyData() != nil }).GetPartyData()
		if got.OpCode != -5 || !slices.Equal(got.Data, data) || got.Presence.GetUsername() != "ben" || got.PartyId != id {
			t.Errorf("data %v", got)
		}

		ticket := ann.call(&rtapi.Envelope{Message: &rtapi.Envelope_PartyMatchmakerAdd{PartyMatchmakerAdd: &rtapi.PartyMatchmakerAdd{
			PartyId: id, MinCount: 3, MaxCount: 3, NumericProperties: map[string]float64{"rank": 1.5},
		}}}).GetPartyMatchmakerTicket().GetTicket()
		if told := ben.expect("ticket", func(e *rtapi.Envelope) bool { return e.GetPartyMatchmakerTicket() != nil }); told.GetPartyMatchmakerTicket().Ticket != ticket || ticket == "" {
			t.Errorf("told %v of ticket %q", told, ticket)
		}
		own := cat.call(&rtapi.Envelope{Message: &rtapi.Envelope_MatchmakerAdd{MatchmakerAdd: &rtapi.MatchmakerAdd{
			MinCount: 3, MaxCount: 3, Query: "+properties.rank:>1", StringProperties: map[string]string{"a": "ü"},
		}}}).GetMatchmakerTicket().GetTicket()
		r.matchmaker.Process()
		for p, want := range map[*player]string{ann: ticket, ben: ticket, cat: own} {
			m := p.expect("matched", func(e *rtapi.Envelope) bool { return e.GetMatchmakerMatched() != nil }).GetMatchmakerMatched()
			if m.Ticket != want || len(m.Users) != 3 || m.GetToken() == "" || m.GetMatchId() != "" || m.Self.GetPresence().GetUserId() != p.user.String() ||
				(m.Self.PartyId == id) != (want == ticket) || want == ticket && m.Self.NumericProperties["rank"] != 1.5 || want == own && m.Self.StringProperties["a"] != "ü" {
				t.Errorf("matched %v", m)
			}
		}
		ann.call(&rtapi.Envelope{Message: &rtapi.Envelope_PartyClose{PartyClose: &rtapi.PartyClose{PartyId: id}}})
		ben.expect("close", func(e *rtapi.Envelope) bool { return e.GetPartyClose().GetPartyId() == id })
	})
}

// A session that ends while module code or its own messages still ask for
// things leaves no ticket and no party behind.
func TestSessionEndClearsTicketsAndParties(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	p := r.player("ann", presence.JSON)
	for range 2 {
		p.call(&rtapi.Envelope{Message: &rtapi.Envelope_MatchmakerAdd{MatchmakerAdd: &rtapi.MatchmakerAdd{MinCount: 2, MaxCount: 2}}})
	}
	p.call(&rtapi.Envelope{Message: &rtapi.Envelope_PartyCreate{PartyCreate: &rtapi.PartyCreate{MaxSize: 2}}})
	if r.matchmaker.Stats().Tickets != 2 || r.parties.Count() != 1 {
		t.Fatalf("%d tickets, %d parties", r.matchmaker.Stats().Tickets, r.parties.Count())
	}
	_ = p.conn.CloseNow()
	<-r.ended
	if r.matchmaker.Stats().Tickets != 0 || r.parties.Count() != 0 {
		t.Errorf("%d tickets, %d parties left", r.matchmaker.Stats().Tickets, r.parties.Count())
	}
}
