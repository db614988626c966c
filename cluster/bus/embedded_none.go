//go:build no_cluster

package bus

import (
	"context"
	"errors"
)

// embedded does not exist in this build.
type embedded struct{}

func (*embedded) address() string             { return "" }
func (*embedded) join([]string) error         { return nil }
func (*embedded) reach(context.Context) error { return nil }
func (*embedded) connected() map[string]bool  { return nil }
func (*embedded) stop()                       {}

// openEmbedded refuses: the program was built without the embedded server.
func openEmbedded(context.Context, Options) (*NATS, error) {
	return nil, errors.New("this program was built without the embedded NATS server (build tag no_cluster): " +
		"cluster.listen needs another build, cluster.nats works")
}
