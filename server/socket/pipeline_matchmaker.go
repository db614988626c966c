package socket

import (
	"fmt"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/match/matchmaker"
	"kumi/presence"
)

var (
	errTicket         = &refusal{rtapi.Error_BAD_INPUT, "Invalid matchmaker ticket"}
	errTicketNotFound = &refusal{rtapi.Error_BAD_INPUT, "Matchmaker ticket not found"}
)

// ticketAsked is what both kinds of matchmaker messages ask for.
type ticketAsked interface {
	GetMinCount() int32
	GetMaxCount() int32
	GetCountMultiple() *wrapperspb.Int32Value
	GetQuery() string
	GetStringProperties() map[string]string
	GetNumericProperties() map[string]float64
}

// ticketRequest reads a matchmaker message.
func ticketRequest(in ticketAsked) (matchmaker.Request, error) {
	r := matchmaker.Request{
		Query: in.GetQuery(), MinCount: int(in.GetMinCount()), MaxCount: int(in.GetMaxCount()),
		StringProperties: in.GetStringProperties(), NumericProperties: in.GetNumericProperties(),
	}
	var multiple *int
	if m := in.GetCountMultiple(); m != nil {
		r.CountMultiple = int(m.Value)
		multiple = &r.CountMultiple
	}
	return r, matchmaker.CheckCounts(r.MinCount, r.MaxCount, multiple)
}

func handleMatchmakerAdd(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	request, err := ticketRequest(in.GetMatchmakerAdd())
	if err != nil {
		return nil, err
	}
	request.Presences = []*presence.Presence{s.presence()}
	ticket, err := s.matchmaker.Add(request)
	if err != nil {
		code, text := matchmaker.ClientError(err)
		return nil, fmt.Errorf("%w: %w", &refusal{code, text}, err)
	}
	if s.ctx.Err() != nil {
		s.matchmaker.RemoveSession(s.id) // it ended while it asked
		return nil, presence.ErrSessionEnded
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchmakerTicket{MatchmakerTicket: &rtapi.MatchmakerTicket{Ticket: ticket.ID}}}, nil
}

func handleMatchmakerRemove(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	ticket := in.GetMatchmakerRemove().GetTicket()
	if ticket == "" {
		return nil, errTicket
	}
	if s.matchmaker.RemoveSessionTicket(s.id, ticket) != nil {
		return nil, errTicketNotFound
	}
	return &rtapi.Envelope{}, nil
}
