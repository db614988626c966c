package presence

import (
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/internal/json"
)

// chatJSON writes the envelopes of chat, and notifications. It is false for all
// other envelopes.
func chatJSON(w *json.Writer, env *rtapi.Envelope) bool {
	switch m := env.Message.(type) {
	case *rtapi.Envelope_ChannelMessage:
		open(w, 448+len(m.ChannelMessage.GetContent())*9/8, env.Cid, "channel_message")
		writeChannelMessage(w, m.ChannelMessage)
	case *rtapi.Envelope_ChannelMessageAck:
		open(w, 384, env.Cid, "channel_message_ack")
		writeChannelMessageAck(w, m.ChannelMessageAck)
	case *rtapi.Envelope_ChannelPresenceEvent:
		e := m.ChannelPresenceEvent
		open(w, 192+160*(len(e.GetJoins())+len(e.GetLeaves())), env.Cid, "channel_presence_event")
		w.Begin()
		w.String("channel_id", e.GetChannelId())
		writePresences(w, "joins", e.GetJoins())
		writePresences(w, "leaves", e.GetLeaves())
		writeChannelNames(w, e)
		w.End()
	case *rtapi.Envelope_Notifications:
		all := m.Notifications.GetNotifications()
		open(w, 64+320*len(all), env.Cid, "notifications")
		w.Begin()
		for i, n := range all {
			w.Item("notifications", i)
			writeNotification(w, n)
		}
		w.EndList(len(all))
		w.End()
	default:
		return false
	}
	return true
}

// channelNames are the last fields of everything about a channel.
type channelNames interface {
	GetRoomName() string
	GetGroupId() string
	GetUserIdOne() string
	GetUserIdTwo() string
}

func writeChannelNames(w *json.Writer, m channelNames) {
	w.String("room_name", m.GetRoomName())
	w.String("group_id", m.GetGroupId())
	w.String("user_id_one", m.GetUserIdOne())
	w.String("user_id_two", m.GetUserIdTwo())
}

func writeChannelMessage(w *json.Writer, m *api.ChannelMessage) {
	w.Begin()
	w.String("channel_id", m.GetChannelId())
	w.String("message_id", m.GetMessageId())
	w.Int32Value("code", m.GetCode())
	w.String("sender_id", m.GetSenderId())
	w.String("username", m.GetUsername())
	w.String("content", m.GetContent())
	w.Time("create_time", m.GetCreateTime())
	w.Time("update_time", m.GetUpdateTime())
	w.BoolValue("persistent", m.GetPersistent())
	writeChannelNames(w, m)
	w.End()
}

func writeChannelMessageAck(w *json.Writer, m *rtapi.ChannelMessageAck) {
	w.Begin()
	w.String("channel_id", m.GetChannelId())
	w.String("message_id", m.GetMessageId())
	w.Int32Value("code", m.GetCode())
	w.String("username", m.GetUsername())
	w.Time("create_time", m.GetCreateTime())
	w.Time("update_time", m.GetUpdateTime())
	w.BoolValue("persistent", m.GetPersistent())
	writeChannelNames(w, m)
	w.End()
}

func writeNotification(w *json.Writer, n *api.Notification) {
	w.Begin()
	w.String("id", n.GetId())
	w.String("subject", n.GetSubject())
	w.String("content", n.GetContent())
	w.Int32("code", n.GetCode())
	w.String("sender_id", n.GetSenderId())
	w.Time("create_time", n.GetCreateTime())
	w.Bool("persistent", n.GetPersistent())
	w.End()
}
