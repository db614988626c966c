package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/bench/wire"
)

// chatCID tells the acknowledgement of a message from all else.
const chatCID = 7

// chat lets everybody in one room say something, one message in flight each:
// the next is sent when the last is acknowledged. The bare server sends to all
// in the room, with what a game server would make of the message, and has no
// acknowledgement but the message itself.
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
	l := load{unit: "delivery"}
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
		l.workers = append(l.workers, func(w *worker) error { return talk(w, s, o, t, message) })
	}
	return one(measure(ctx, o, t, l))
}

func talk(w *worker, s *socket, o *options, t *target, message []byte) error {
	for !w.stopped() {
		sent := time.Now()
		wire.SetMark(message, sent.UnixNano())
		if err := s.write(message); err != nil {
			return err
		}
		for acknowledged := false; !acknowledged; {
			got, err := s.read()
			if err != nil {
				return err
			}
			env := o.codec.Scan(got)
			switch {
			case env.Kind == wire.Error:
				return replyError(got)
			case env.Kind == wire.ChannelMessage:
				mark := wire.MarkIn(got)
				if !o.persist {
					w.record(time.Duration(time.Now().UnixNano() - mark))
				}
				acknowledged = t.bare && mark == sent.UnixNano()
			case env.CID == chatCID:
				acknowledged = true
			}
		}
		if o.persist {
			w.record(time.Since(sent))
		}
	}
	return nil
}

// chatMessage is what a game server sends to those in a room.
func chatMessage(room, content string) *rtapi.Envelope {
	const id = "01234567-89ab-cdef-0123-456789abcdef"
	return &rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessage{ChannelMessage: &api.ChannelMessage{
		ChannelId: "2." + room + "..", MessageId: id, Code: wrapperspb.Int32(0), SenderId: id, Username: "abcdefghij",
		Content: content, CreateTime: timestamppb.Now(), UpdateTime: timestamppb.Now(),
		Persistent: wrapperspb.Bool(false), RoomName: room,
	}}}
}

// padded is text of that many bytes, or of the Mark alone when that is longer.
func padded(size int) string {
	return wire.Mark + strings.Repeat(" x", max(0, size-len(wire.Mark)+1)/2)
}
