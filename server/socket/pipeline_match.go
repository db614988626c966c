package socket

import (
	"errors"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/match"
)

var (
	errMatchID       = &refusal{rtapi.Error_BAD_INPUT, "Invalid match ID"}
	errMatchMissing  = &refusal{rtapi.Error_BAD_INPUT, "No match ID or token found"}
	errMatchToken    = &refusal{rtapi.Error_BAD_INPUT, "Invalid match token"}
	errMatchNotFound = &refusal{rtapi.Error_MATCH_NOT_FOUND, "Match not found"}
)

// joiner describes the session to the match registry.
func (s *session) joiner() *match.Joiner {
	return &match.Joiner{
		Presence: *s.presence(),
		Vars:     s.scope().Vars, SessionExpiry: s.scope().SessionExpiry,
		ClientIP: s.scope().ClientIP, ClientPort: s.scope().ClientPort, Lang: s.scope().Lang,
	}
}

func handleMatchCreate(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	m, err := s.matches.CreateRelayed(s.joiner(), in.GetMatchCreate().GetName())
	if err != nil {
		return nil, err
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_Match{Match: m}}, nil
}

func handleMatchJoin(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	request := in.GetMatchJoin()
	if request.GetMatchId() == "" && request.GetToken() == "" {
		return nil, errMatchMissing
	}
	q := match.JoinRequest{
		ID: request.GetMatchId(), Token: request.GetToken(),
		Joiner: s.joiner(), Metadata: request.GetMetadata(), Single: s.limits.singleMatch,
	}
	m, err := s.matches.Join(s.ctx, q)
	var rejected *match.Rejected
	switch {
	case err == nil:
		return &rtapi.Envelope{Message: &rtapi.Envelope_Match{Match: m}}, nil
	case errors.As(err, &rejected):
		reason := rejected.Reason
		if reason == "" {
			reason = "Match join rejected"
		}
		return nil, &refusal{rtapi.Error_MATCH_JOIN_REJECTED, reason}
	case errors.Is(err, match.ErrNotFound):
		return nil, errMatchNotFound
	case errors.Is(err, match.ErrIDInvalid):
		if q.Token != "" {
			return nil, errMatchToken
		}
		return nil, errMatchID
	}
	return nil, err
}

func handleMatchLeave(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	if err := s.matches.Leave(s.id, in.GetMatchLeave().GetMatchId()); err != nil {
		return nil, errMatchID
	}
	return &rtapi.Envelope{}, nil
}

// handleMatchData answers only an invalid match id. Clients send match data
// without a cid, so the error has none either.
func handleMatchData(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	d := in.GetMatchDataSend()
	send := match.DataSend{ID: d.GetMatchId(), OpCode: d.GetOpCode(), Data: d.GetData(), Reliable: d.GetReliable()}
	if len(d.GetPresences()) > 0 {
		send.To = make([]uuid.UUID, 0, len(d.Presences))
		for _, p := range d.Presences {
			id, err := uuid.FromString(p.GetSessionId())
			if err == nil {
				_, err = uuid.FromString(p.GetUserId())
			}
			if err != nil {
				return nil, nil // a malformed recipient drops the message
			}
			send.To = append(send.To, id)
		}
	}
	if err := s.matches.Data(s.id, &send); err != nil {
		in.Cid = ""
		return nil, errMatchID
	}
	return nil, nil
}
