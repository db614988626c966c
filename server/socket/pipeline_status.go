package socket

import "github.com/heroiclabs/nakama-common/rtapi"

func handleStatusFollow(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	status, err := s.Core.FollowStatus(s.ctx, s.id, s.user, in.GetStatusFollow())
	if err != nil {
		return nil, err
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_Status{Status: status}}, nil
}

func handleStatusUnfollow(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	if err := s.Core.UnfollowStatus(s.id, in.GetStatusUnfollow()); err != nil {
		return nil, err
	}
	return &rtapi.Envelope{}, nil
}

func handleStatusUpdate(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	if err := s.Core.UpdateStatus(s.id, s.user, s.username, in.GetStatusUpdate().GetStatus()); err != nil {
		return nil, err
	}
	return &rtapi.Envelope{}, nil
}
