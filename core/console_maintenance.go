package core

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
)

// Limits of maintenance.
const (
	maxMaintenanceMessage = 500   // characters
	maxDisconnectAfter    = 86400 // seconds
)

// GetMaintenance returns the state of maintenance on this server.
func (k *Console) GetMaintenance(context.Context) (*consolepb.Maintenance, error) {
	m := k.Maintenance()
	if m == nil {
		return &consolepb.Maintenance{}, nil
	}
	out := &consolepb.Maintenance{Active: true, Message: m.Message, StartTime: timestamppb.New(m.Started), Operator: m.Operator}
	if !m.Disconnect.IsZero() {
		out.DisconnectTime = timestamppb.New(m.Disconnect)
	}
	return out, nil
}

// StartMaintenance begins maintenance on all servers on the database, or changes it: no
// sessions begin, and those that are open are told, and end after a time if one is given.
//
// Errors: InvalidArgument for a message of over 500 characters and a time over a day.
func (k *Console) StartMaintenance(ctx context.Context, op *Operator, in *consolepb.StartMaintenanceRequest) (*consolepb.Maintenance, error) {
	if err := checkLength("Maintenance cannot begin.", "message", in.Message, maxMaintenanceMessage); err != nil {
		return nil, err
	}
	m := &Maintenance{Message: in.Message, Started: time.Unix(k.now().Unix(), 0).UTC(), Operator: op.Username}
	if m.Message == "" {
		m.Message = defaultMaintenance
	}
	if after := in.DisconnectAfterSec; after != nil {
		if after.Value < 0 || after.Value > maxDisconnectAfter {
			return nil, invalid("disconnect_after_sec must be between 0 and %d.", maxDisconnectAfter)
		}
		m.Disconnect = m.Started.Add(time.Duration(after.Value) * time.Second)
	}
	if err := k.setMaintenance(ctx, m); err != nil {
		return nil, failed("begin maintenance", err)
	}
	return k.GetMaintenance(ctx)
}

// EndMaintenance ends maintenance on all servers on the database. That there is none is no
// error.
func (k *Console) EndMaintenance(ctx context.Context) error {
	if err := k.setMaintenance(ctx, nil); err != nil {
		return failed("end maintenance", err)
	}
	return nil
}
