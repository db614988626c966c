package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"kumi/bench/wire"
)

// rude is a word that the filters in filter/ replace with polite.
const (
	rude   = "darn"
	polite = "****"
)

// hook sends chat messages, each connection in its own room, to a server whose
// module filters words before ChannelMessageSend, and to one without. An
// operation is one message, sent and acknowledged. It is an error if a server
// filters when it should not, or does not when it should.
func hook(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return nil, err
	}
	sockets, err := t.connectAll(ctx, o.codec, sessions, onPath(""))
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	want := polite
	if t.plain {
		want = rude
	}
	text := "that " + rude + " dragon took my sword again, "
	content := `{"text":"` + text + padded(o.size-len(text)-len(`{"text":""}`)) + `"}`
	l := load{unit: "send"}
	for i, s := range sockets {
		channel, err := s.request(o.codec, roomJoin(fmt.Sprintf("bench-hook-%d", i), false))
		if err != nil {
			return nil, fmt.Errorf("join room: %w", err)
		}
		message := o.codec.Build(chatCID, channelSend(channel.GetChannel().GetId(), content))
		l.workers = append(l.workers, func(w *worker) error { return filtered(w, s, o.codec, message, []byte(want)) })
	}
	return one(measure(ctx, o, t, l))
}

func filtered(w *worker, s *socket, codec wire.Codec, message, want []byte) error {
	for !w.stopped() {
		sent := time.Now()
		if err := s.write(message); err != nil {
			return err
		}
		// The message is sent back to its sender, and acknowledged.
		for missing := 2; missing > 0; {
			got, err := s.read()
			if err != nil {
				return err
			}
			env := codec.Scan(got)
			switch {
			case env.Kind == wire.Error:
				return replyError(got)
			case env.Kind == wire.ChannelMessage:
				if !bytes.Contains(got, want) {
					return fmt.Errorf("received a message without %q: %.300q", want, got)
				}
				missing--
			case env.CID == chatCID:
				missing--
			}
		}
		w.record(time.Since(sent))
	}
	return nil
}

func hookAdded(r *Report) {
	with, without := r.find("", "server"), r.find("", "plain")
	if with.hasCPU && without.hasCPU {
		r.Figures = append(r.Figures, Figure{"added per send", with.CPU - without.CPU, "µs"})
	}
}
