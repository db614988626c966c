package core

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

// audience returns the conditions for the accounts that a filter is about, as rows u of
// users. Without any it is everybody but the system.
func (k *Console) audience(in *consolepb.Audience) (where conditions, err error) {
	where.add("u.id <> ?", uuid.Nil)
	if in.GetLangTag() != "" {
		where.add("u.lang_tag = ?", in.LangTag)
	}
	where.during("u.create_time", in.GetCreatedAfter(), in.GetCreatedBefore())
	if in.GetGroupId() != "" {
		group, err := consoleID("group", in.GroupId)
		if err != nil {
			return where, err
		}
		where.add("EXISTS (SELECT 1 FROM group_edge e WHERE e.source_id = ? AND e.destination_id = u.id AND e.state BETWEEN 0 AND 2)", group)
	}
	if len(in.GetUserIds()) > 0 {
		users := make([]uuid.UUID, len(in.UserIds))
		for i, text := range in.UserIds {
			if users[i], err = playerID(text); err != nil {
				return where, err
			}
		}
		where.add("u.id "+k.db.Dialect().AnyOf("?", "uuid"), users)
	}
	return where, nil
}

// CountAudience returns how many accounts a notification would reach.
func (k *Console) CountAudience(ctx context.Context, in *consolepb.Audience) (*consolepb.AudienceCount, error) {
	where, err := k.audience(in)
	if err != nil {
		return nil, err
	}
	out := &consolepb.AudienceCount{}
	if err := k.db.Reader().QueryRowContext(ctx, "SELECT count(*) FROM users u"+where.where(), where.args...).Scan(&out.Count); err != nil {
		return nil, failed("count accounts", err)
	}
	return out, nil
}

// keptSendings is how many sendings are remembered.
const keptSendings = 20

// sendings are the notifications to audiences that this server sends or has sent, oldest
// first. It may be used from any goroutine.
type sendings struct {
	mu   sync.Mutex
	list []*consolepb.NotificationSending
}

func (s *sendings) add(one *consolepb.NotificationSending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, one)
	if len(s.list) > keptSendings {
		s.list = slices.Delete(s.list, 0, 1)
	}
}

func (s *sendings) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// SendToAudience sends a notification to all accounts that a filter finds, in the
// background and in pieces: a persistent one is stored for each, any other reaches those
// who are connected. Errors as in SendNotification.
func (k *Console) SendToAudience(ctx context.Context, op *Operator, in *consolepb.SendToAudienceRequest) (*consolepb.NotificationSending, error) {
	n, err := consoleNotification(in.Subject, in.Content, in.Code, in.Persistent, in.SenderId)
	if err != nil {
		return nil, err
	}
	content, err := k.db.Dialect().JSON(n.Content)
	if err != nil {
		return nil, notificationError("send notifications", err)
	}
	where, err := k.audience(in.Audience)
	if err != nil {
		return nil, err
	}
	count, err := k.CountAudience(ctx, in.Audience)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV4()
	if err != nil {
		return nil, failed("send notifications", err)
	}
	sending := &consolepb.NotificationSending{
		Id: id.String(), Subject: n.Subject, Operator: op.Username, Total: count.Count, StartTime: timestamppb.New(k.now()),
	}
	k.sendings.add(sending)
	out := proto.CloneOf(sending) // before anything changes it
	k.later("send a notification to an audience", func(ctx context.Context) error {
		err := k.sendTo(ctx, n, content, where, func(sent int) {
			k.sendings.change(func() { sending.Sent += int64(sent) })
		})
		k.sendings.change(func() {
			sending.EndTime = timestamppb.New(k.now())
			if err != nil {
				sending.ErrorMessage = fault.MessageOf(err, "An internal error occurred.")
			}
		})
		return err
	})
	return out, nil
}

// sendTo sends a notification to the accounts of some conditions, and reports each piece.
func (k *Console) sendTo(ctx context.Context, n Notification, content string, where conditions, report func(sent int)) error {
	next := k.notifyNext
	if !n.Persistent {
		next = k.passNext
	}
	after := uuid.Nil
	for {
		sent, last, err := next(ctx, n, content, where, after)
		if err != nil {
			return fmt.Errorf("after user %s: %w", after, err)
		}
		k.pushNotifications(sent)
		report(len(sent))
		if len(sent) < k.notifyBatch {
			return nil
		}
		after = last
	}
}

// passNext is notifyNext for a notification that is not stored.
func (k *Console) passNext(ctx context.Context, n Notification, _ string, where conditions, after uuid.UUID) ([]Notification, uuid.UUID, error) {
	where = where.clone()
	where.add("u.id > ?", after)
	limit := where.bind(k.notifyBatch)
	users, err := scanAll(ctx, k.db.Reader(), func(rows *sql.Rows) (id uuid.UUID, err error) { return id, rows.Scan(&id) },
		"SELECT u.id FROM users u"+where.where()+" ORDER BY u.id LIMIT "+limit, where.args...)
	if err != nil || len(users) == 0 {
		return nil, after, err
	}
	all := make([]Notification, len(users))
	for i, user := range users {
		all[i] = n
		all[i].UserID = user
	}
	return all, users[len(users)-1], nameNotifications(all)
}

// ListSendings lists the latest notifications to audiences of this server, newest first,
// with how far they are.
func (k *Console) ListSendings(context.Context) (*consolepb.NotificationSendingList, error) {
	out := &consolepb.NotificationSendingList{}
	k.sendings.change(func() {
		for _, s := range slices.Backward(k.sendings.list) {
			out.Sendings = append(out.Sendings, proto.CloneOf(s))
		}
	})
	return out, nil
}

// GetSending returns one of ListSendings. NotFound if it is not among them.
func (k *Console) GetSending(ctx context.Context, in *consolepb.NotificationId) (*consolepb.NotificationSending, error) {
	list, err := k.ListSendings(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range list.Sendings {
		if s.Id == in.Id {
			return s, nil
		}
	}
	return nil, fault.New(fault.NotFound, "This server does not send or remember such a notification.")
}
