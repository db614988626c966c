package core

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

const maxBanReason = 500 // characters

// BanAccount disables an account, for ever or until a time, revokes its tokens and closes
// its sockets. The player is told the reason and the end, then and at each sign-in.
//
// Errors: InvalidArgument for an end in the past and for a reason of over 500 characters;
// NotFound.
func (k *Console) BanAccount(ctx context.Context, op *Operator, in *consolepb.BanAccountRequest) error {
	id, err := k.existing(ctx, in.Id)
	if err != nil {
		return err
	}
	b := &ban{user: id, reason: in.Reason, operator: op.Username}
	if err := checkLength("The account cannot be banned.", "reason", in.Reason, maxBanReason); err != nil {
		return err
	}
	switch {
	case in.DurationSec < 0 || in.DurationSec != 0 && in.EndTime != nil:
		return invalid("Requires either duration_sec, of a second or more, or end_time.")
	case in.DurationSec > 0:
		b.end = k.now().Add(time.Duration(min(in.DurationSec, maxBan)) * time.Second)
	case in.EndTime != nil:
		b.end = in.EndTime.AsTime()
	}
	if !b.end.IsZero() {
		b.end = b.end.UTC().Truncate(time.Second)
		if !storable(b.end) || b.over(k.now()) {
			return invalid("The end of the ban must be a time in the future.")
		}
	}
	return k.banAll(ctx, []*ban{b})
}

// maxBan is the longest duration of a ban, in seconds: a hundred years.
const maxBan = 100 * 365 * 24 * 60 * 60

// GetBan returns the ban of an account. NotFound if it is not banned.
func (k *Console) GetBan(ctx context.Context, in *consolepb.AccountId) (*consolepb.Ban, error) {
	id, err := playerID(in.Id)
	if err != nil {
		return nil, err
	}
	account, err := k.account(ctx, id)
	if err != nil {
		return nil, err
	}
	if account.DisableTime == nil {
		return nil, errNotBanned
	}
	b, err := k.findBan(ctx, id, account.DisableTime.AsTime())
	if err != nil {
		return nil, failed("find the ban", err)
	}
	if b.over(k.now()) {
		return nil, errNotBanned
	}
	out := &consolepb.Ban{UserId: id.String(), Reason: b.reason, Operator: b.operator, CreateTime: account.DisableTime}
	if !b.end.IsZero() {
		out.EndTime = timestamppb.New(b.end)
	}
	return out, nil
}

var errNotBanned = fault.New(fault.NotFound, "The account is not banned.")
