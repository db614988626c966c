package presence

import (
	"strconv"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// chatJSON writes the envelopes of chat, and notifications.
func chatJSON(env *rtapi.Envelope) (w jsonWriter, known bool) {
	w.ok = true
	switch m := env.Message.(type) {
	case *rtapi.Envelope_ChannelMessage:
		w.b = make([]byte, 0, 448+len(env.Cid)+len(m.ChannelMessage.GetContent())*9/8)
		w.open(env.Cid)
		w.key("channel_message")
		w.channelMessage(m.ChannelMessage)
	case *rtapi.Envelope_ChannelMessageAck:
		w.b = make([]byte, 0, 384+len(env.Cid))
		w.open(env.Cid)
		w.key("channel_message_ack")
		w.channelMessageAck(m.ChannelMessageAck)
	case *rtapi.Envelope_ChannelPresenceEvent:
		e := m.ChannelPresenceEvent
		w.b = make([]byte, 0, 192+160*(len(e.GetJoins())+len(e.GetLeaves())))
		w.open(env.Cid)
		w.key("channel_presence_event")
		w.begin()
		w.str("channel_id", e.GetChannelId())
		w.presences("joins", e.GetJoins())
		w.presences("leaves", e.GetLeaves())
		w.where(e)
		w.end()
	case *rtapi.Envelope_Notifications:
		w.b = make([]byte, 0, 64+len(env.Cid)+320*len(m.Notifications.GetNotifications()))
		w.open(env.Cid)
		w.key("notifications")
		w.begin()
		for i, n := range m.Notifications.GetNotifications() {
			if i == 0 {
				w.key("notifications")
				w.b = append(w.b, '[')
			} else {
				w.b = append(w.b, ',')
			}
			w.notification(n)
		}
		if len(m.Notifications.GetNotifications()) > 0 {
			w.b = append(w.b, ']')
		}
		w.end()
	default:
		return w, false
	}
	return w, true
}

// channelNames are the last fields of everything about a channel.
type channelNames interface {
	GetRoomName() string
	GetGroupId() string
	GetUserIdOne() string
	GetUserIdTwo() string
}

func (w *jsonWriter) where(m channelNames) {
	w.str("room_name", m.GetRoomName())
	w.str("group_id", m.GetGroupId())
	w.str("user_id_one", m.GetUserIdOne())
	w.str("user_id_two", m.GetUserIdTwo())
}

func (w *jsonWriter) channelMessage(m *api.ChannelMessage) {
	w.begin()
	w.str("channel_id", m.GetChannelId())
	w.str("message_id", m.GetMessageId())
	w.intWrap("code", m.GetCode())
	w.str("sender_id", m.GetSenderId())
	w.str("username", m.GetUsername())
	w.str("content", m.GetContent())
	w.time("create_time", m.GetCreateTime())
	w.time("update_time", m.GetUpdateTime())
	w.boolWrap("persistent", m.GetPersistent())
	w.where(m)
	w.end()
}

func (w *jsonWriter) channelMessageAck(m *rtapi.ChannelMessageAck) {
	w.begin()
	w.str("channel_id", m.GetChannelId())
	w.str("message_id", m.GetMessageId())
	w.intWrap("code", m.GetCode())
	w.str("username", m.GetUsername())
	w.time("create_time", m.GetCreateTime())
	w.time("update_time", m.GetUpdateTime())
	w.boolWrap("persistent", m.GetPersistent())
	w.where(m)
	w.end()
}

func (w *jsonWriter) notification(n *api.Notification) {
	w.begin()
	w.str("id", n.GetId())
	w.str("subject", n.GetSubject())
	w.str("content", n.GetContent())
	if c := n.GetCode(); c != 0 {
		w.key("code")
		w.b = strconv.AppendInt(w.b, int64(c), 10)
	}
	w.str("sender_id", n.GetSenderId())
	w.time("create_time", n.GetCreateTime())
	w.yes("persistent", n.GetPersistent())
	w.end()
}

func (w *jsonWriter) intWrap(name string, v *wrapperspb.Int32Value) {
	if v != nil {
		w.key(name)
		w.b = strconv.AppendInt(w.b, int64(v.Value), 10)
	}
}

func (w *jsonWriter) boolWrap(name string, v *wrapperspb.BoolValue) {
	if v != nil {
		w.key(name)
		w.b = strconv.AppendBool(w.b, v.Value)
	}
}

// time writes a time with 0, 3, 6 or 9 digits of its second. What cannot be
// written the library reports.
func (w *jsonWriter) time(name string, t *timestamppb.Timestamp) {
	if t == nil {
		return
	}
	if t.CheckValid() != nil {
		w.ok = false
		return
	}
	layout := "2006-01-02T15:04:05.000000000Z"
	switch nanos := t.Nanos; {
	case nanos == 0:
		layout = "2006-01-02T15:04:05Z"
	case nanos%1e6 == 0:
		layout = "2006-01-02T15:04:05.000Z"
	case nanos%1e3 == 0:
		layout = "2006-01-02T15:04:05.000000Z"
	}
	w.key(name)
	w.b = append(w.b, '"')
	w.b = time.Unix(t.Seconds, int64(t.Nanos)).UTC().AppendFormat(w.b, layout)
	w.b = append(w.b, '"')
}

// chatEnvelope is an envelope with a message to a channel in one allocation.
type chatEnvelope struct {
	env  rtapi.Envelope
	wrap rtapi.Envelope_ChannelMessageSend
	send rtapi.ChannelMessageSend
}

func (r *jsonReader) channelMessageSend() *rtapi.Envelope {
	e := new(chatEnvelope)
	e.wrap.ChannelMessageSend = &e.send
	e.env.Message = &e.wrap
	if !r.texts(textField{"channel_id", &e.send.ChannelId}, textField{"content", &e.send.Content}) {
		return nil
	}
	return &e.env
}
