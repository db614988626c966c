package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
)

// Event passes a client's event to the function set by OnEvent. It is marked
// as external, whatever the client says. It never fails.
func (c *Core) Event(ctx context.Context, _ uuid.UUID, in *api.Event) error {
	if in == nil {
		in = &api.Event{}
	}
	if !in.GetExternal() {
		in = proto.CloneOf(in)
		in.External = true
	}
	c.deliver(ctx, in)
	return nil
}

func (c *Core) deliver(ctx context.Context, e *api.Event) {
	if deliver := c.events.Load(); deliver != nil {
		(*deliver)(ctx, e)
	}
}
