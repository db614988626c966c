package console

import (
	"context"

	"google.golang.org/protobuf/proto"

	"kumi/core/consolepb"
)

// watchMatch sends what happens in a match.
func watchMatch(w *watch, in *consolepb.MatchWatchRequest) (feed, error) {
	m, err := w.Console.WatchMatch(in.Id)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(w.ctx, m.Close)
	return func(context.Context) (proto.Message, error) {
		if news := m.News(); news != nil {
			return news, nil
		}
		return nil, nil
	}, nil
}
