package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/bench/wire"
)

// chatCID marks the acknowledgement of a message.
const chatCID = 7

// chat has everybody in one room send messages, one in flight each: the next
// is sent when the last is acknowledged and was received by all. The bare
// server sends to all in the room what a game server would make of the
// message; it has no acknowledgement but the message itself.
func chat(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.players)
	if err != nil {
		return nil, err
	}
	room := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	sockets, err := t.connectAll(ctx, o.codec, sessions, onPath("/room?all=1&id="+room))
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	r := &chatRun{codec: o.codec, bare: t.bare, persist: o.persist, members: int64(o.players), done: make(chan struct{})}
	r.through = make(chan struct{}, o.players)
	for range o.players {
		r.through <- struct{}{}
	}
	l := load{unit: "delivery", stop: func() { close(r.done); closeAll(sockets) }}
	if o.persist {
		l.unit = "send"
	}
	content := `{"text":"` + padded(o.size-len(`{"text":""}`)) + `"}`
	for _, s := range sockets {
		message := o.codec.Build(-1, chatMessage(room, content))
		if !t.bare {
			channel, err := s.request(o.codec, roomJoin(room, o.persist))
			if err != nil {
				return nil, fmt.Errorf("join room: %w", err)
			}
			message = o.codec.Build(chatCID, channelSend(channel.GetChannel().GetId(), content))
		}
		m := &chatMember{chatRun: r, socket: s, acknowledged: make(chan struct{}, 1)}
		l.workers = append(l.workers, m.listen, func(*worker) error { return m.talk(message) })
	}
	return one(measure(ctx, o, t, l))
}

type chatRun struct {
	codec     wire.Codec
	bare      bool
	persist   bool
	members   int64
	delivered atomic.Int64
	// through has one token for each message that everybody received, so that nobody
	// falls so far behind that a server would close the socket.
	through chan struct{}
	done    chan struct{}
}

type chatMember struct {
	*chatRun
	socket       *socket
	sent         atomic.Int64 // time of the last message, in nanoseconds
	acknowledged chan struct{}
}

func (m *chatMember) talk(message []byte) error {
	for {
		select {
		case <-m.done:
			return nil
		case <-m.through:
		}
		now := time.Now().UnixNano()
		m.sent.Store(now)
		wire.SetMark(message, now)
		if err := m.socket.write(message); err != nil {
			return err
		}
		select {
		case <-m.done:
			return nil
		case <-m.acknowledged:
		}
	}
}

func (m *chatMember) listen(w *worker) error {
	for {
		got, err := m.socket.read()
		if err != nil {
			return err
		}
		env := m.codec.Scan(got)
		acknowledged := env.CID == chatCID
		switch env.Kind {
		case wire.Error:
			return replyError(got)
		case wire.ChannelMessage:
			mark := wire.MarkIn(got)
			if !m.persist {
				w.record(time.Duration(time.Now().UnixNano() - mark))
			}
			if m.delivered.Add(1)%m.members == 0 {
				m.through <- struct{}{}
			}
			acknowledged = m.bare && mark == m.sent.Load()
		}
		if acknowledged {
			if m.persist {
				w.record(time.Duration(time.Now().UnixNano() - m.sent.Load()))
			}
			select {
			case m.acknowledged <- struct{}{}:
			default:
			}
		}
	}
}

// chatMessage is what a game server sends to the members of a room.
func chatMessage(room, content string) *rtapi.Envelope {
	const id = "01234567-89ab-cdef-0123-456789abcdef"
	return &rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessage{ChannelMessage: &api.ChannelMessage{
		ChannelId: "2." + room + "..", MessageId: id, Code: wrapperspb.Int32(0), SenderId: id, Username: "abcdefghij",
		Content: content, CreateTime: timestamppb.Now(), UpdateTime: timestamppb.Now(),
		Persistent: wrapperspb.Bool(false), RoomName: room,
	}}}
}

// padded returns text of that many bytes, or only the Mark if that is longer.
func padded(size int) string {
	return wire.Mark + strings.Repeat(" x", max(0, size-len(wire.Mark)+1)/2)
}
