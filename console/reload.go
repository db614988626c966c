package console

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/core/consolepb"
)

// maxReloads is how many reloads are listed.
const maxReloads = 20

// listReloads returns the last reloads.
func (s *Server) listReloads() (*consolepb.ReloadList, error) {
	reloads, _ := s.Reloads.Last(maxReloads)
	return &consolepb.ReloadList{Reloads: reloads}, nil
}

// watchReloads sends the last reloads, and then each new one.
func watchReloads(w *watch, _ *emptypb.Empty) (feed, error) {
	context.AfterFunc(w.ctx, w.Reloads.Follow(w.wake))
	next, first := uint64(0), true
	return func(context.Context) (proto.Message, error) {
		reloads, to, _ := w.Reloads.Since(next, maxReloads)
		if next = to; len(reloads) == 0 && !first {
			return nil, nil
		}
		first = false
		return &consolepb.ReloadList{Reloads: reloads}, nil
	}, nil
}
