package core

import "context"

type reserveKey struct{}

// WithReserve has reads of storage ask before they hold values in memory: reserve is
// called with the size of each, and its error ends the read. It is for the calls of
// clients, who can ask for much at once.
func WithReserve(ctx context.Context, reserve func(bytes int) error) context.Context {
	return context.WithValue(ctx, reserveKey{}, reserve)
}

func reserveOf(ctx context.Context) func(bytes int) error {
	reserve, _ := ctx.Value(reserveKey{}).(func(bytes int) error)
	return reserve
}
