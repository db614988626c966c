package socket

import (
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/core"
)

// speaker describes the session to chat.
func (s *session) speaker() core.Speaker {
	return core.Speaker{Session: s.id, User: s.user, Username: s.username}
}

func handleChannelJoin(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	channel, err := s.Core.JoinChannel(s.ctx, s.speaker(), in.GetChannelJoin())
	if err != nil {
		return nil, err
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_Channel{Channel: channel}}, nil
}

func handleChannelLeave(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	if err := s.Core.LeaveChannel(s.speaker(), in.GetChannelLeave().GetChannelId()); err != nil {
		return nil, err
	}
	return &rtapi.Envelope{}, nil
}

func handleChannelMessage(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	return channelAck(s.Core.SendToChannel(s.ctx, s.speaker(), in.GetChannelMessageSend()))
}

func handleChannelUpdate(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	return channelAck(s.Core.UpdateOnChannel(s.ctx, s.speaker(), in.GetChannelMessageUpdate()))
}

func handleChannelRemove(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	return channelAck(s.Core.RemoveFromChannel(s.ctx, s.speaker(), in.GetChannelMessageRemove()))
}

func channelAck(ack *rtapi.ChannelMessageAck, err error) (*rtapi.Envelope, error) {
	if err != nil {
		return nil, err
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessageAck{ChannelMessageAck: ack}}, nil
}
