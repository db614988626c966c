package script

import (
	"context"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
	"kumi/vm"
)

// fleetCreation is how a request to create a game server ended.
type fleetCreation struct {
	status   runtime.FmCreateStatus
	instance *runtime.InstanceInfo // nil unless it succeeded, like sessions
	sessions []*runtime.SessionInfo
	metadata map[string]any
	failure  error
}

// fleetCreated calls the function as the handler of game servers that scripts created.
func (n *function) fleetCreated(ctx context.Context, status runtime.FmCreateStatus, instance *runtime.InstanceInfo, sessions []*runtime.SessionInfo, metadata map[string]any, failure error) error {
	return n.call(ctx, func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) {
		return append(args, fleetCreationShape.Of(e, &fleetCreation{status, instance, sessions, metadata, failure})), nil
	}, n.wantNothing)
}

var fleetStatus = map[runtime.FmCreateStatus]string{
	runtime.CreateSuccess: "success", runtime.CreateTimeout: "timeout", runtime.CreateError: "error",
}

var fleetCreationShape = vm.NewShape(
	vm.Str("status", func(c *fleetCreation) string { return fleetStatus[c.status] }),
	vm.Sub("instance_info", FleetInstanceShape, func(c *fleetCreation) *runtime.InstanceInfo { return c.instance }),
	vm.List("session_info", FleetSessionShape, func(c *fleetCreation) []*runtime.SessionInfo { return c.sessions }),
	vm.Value("metadata", func(c *fleetCreation) any { return objectOf(c.metadata) }),
	vm.Str("error", func(c *fleetCreation) string { return fault.Text(c.failure) }).When(func(c *fleetCreation) bool { return c.failure != nil }),
)

// FleetInstanceShape is a game server of a fleet manager, FleetSessionShape a slot for
// a player in one.
var (
	FleetInstanceShape = vm.NewShape(
		vm.Str("id", func(i *runtime.InstanceInfo) string { return i.Id }),
		vm.Sub("connection_info", fleetConnectionShape, func(i *runtime.InstanceInfo) *runtime.ConnectionInfo { return i.ConnectionInfo }),
		vm.Int("create_time", func(i *runtime.InstanceInfo) int64 { return i.CreateTime.Unix() }),
		vm.Int("player_count", func(i *runtime.InstanceInfo) int64 { return int64(i.PlayerCount) }),
		vm.Str("status", func(i *runtime.InstanceInfo) string { return i.Status }),
		vm.Value("metadata", func(i *runtime.InstanceInfo) any { return objectOf(i.Metadata) }),
	)
	FleetSessionShape = vm.NewShape(
		vm.Str("user_id", func(s *runtime.SessionInfo) string { return s.UserId }),
		vm.Str("session_id", func(s *runtime.SessionInfo) string { return s.SessionId }),
	)
	fleetConnectionShape = vm.NewShape(
		vm.Str("ip_address", func(c *runtime.ConnectionInfo) string { return c.IpAddress }),
		vm.Str("dns_name", func(c *runtime.ConnectionInfo) string { return c.DnsName }),
		vm.Int("port", func(c *runtime.ConnectionInfo) int64 { return int64(c.Port) }),
	)
)

// objectOf makes a missing object an empty one.
func objectOf(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
