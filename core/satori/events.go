package satori

import (
	"context"
	"net/http"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
)

// EventsPublish implements runtime.Satori: it publishes events of an identity. An
// event without a time gets the current one.
func (c *Client) EventsPublish(ctx context.Context, id string, events []*runtime.Event, ipAddress ...string) error {
	if err := named("identity id", id); err != nil {
		return err
	}
	return c.publish(ctx, request{path: "/v1/event", identity: id, ip: first(ipAddress)}, events)
}

// ServerEventsPublish implements runtime.Satori: it publishes events of this server,
// each with the identity it is about, if any.
func (c *Client) ServerEventsPublish(ctx context.Context, events []*runtime.Event, ipAddress ...string) error {
	return c.publish(ctx, request{path: "/v1/server-event", ip: first(ipAddress)}, events)
}

// wireEvent is an event with its time in the form of protobuf's JSON.
type wireEvent struct {
	runtime.Event
	Timestamp string `json:"timestamp"`
}

func (c *Client) publish(ctx context.Context, r request, events []*runtime.Event) error {
	if len(events) == 0 {
		return invalid("expects at least one event")
	}
	list := make([]wireEvent, len(events))
	for i, e := range events {
		if e == nil {
			return invalid("event %d is nil", i+1)
		}
		if e.Name == "" {
			return invalid("event %d has no name", i+1)
		}
		at := c.o.Now()
		if e.Timestamp != 0 {
			at = time.Unix(e.Timestamp, 0)
		}
		list[i] = wireEvent{Event: *e, Timestamp: at.UTC().Format(time.RFC3339)}
		if list[i].Id == "" {
			// Satori drops events that it has by id, so a retry counts none twice.
			list[i].Id = uuid.Must(uuid.NewV4()).String()
		}
	}
	r.method, r.body = http.MethodPost, map[string]any{"events": list}
	_, err := c.do(ctx, r, nil)
	return err
}
