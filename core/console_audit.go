package core

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/console/consolepb"
	"kumi/core/acl"
	"kumi/store/fault"
)

// AuditAction is what an operator did, in the audit log.
type AuditAction = consolepb.AuditLogAction

// The actions.
const (
	AuditCreate = consolepb.AuditLogAction_CREATE
	AuditUpdate = consolepb.AuditLogAction_UPDATE
	AuditDelete = consolepb.AuditLogAction_DELETE
	AuditInvoke = consolepb.AuditLogAction_INVOKE
	AuditImport = consolepb.AuditLogAction_IMPORT
	AuditExport = consolepb.AuditLogAction_EXPORT
)

// auditSecrets are the fields of requests that are not recorded.
var auditSecrets = []protoreflect.Name{"password", "code", "mfa", "token"}

// auditMetadata is a request as JSON, without secrets.
func auditMetadata(request proto.Message) (string, error) {
	if request == nil {
		return "{}", nil
	}
	m := proto.Clone(request)
	r := m.ProtoReflect()
	for _, name := range auditSecrets {
		if field := r.Descriptor().Fields().ByName(name); field != nil {
			r.Clear(field)
		}
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	return string(text), err
}

// record adds a call that succeeded to the audit log.
func (k *Console) record(ctx context.Context, op *Operator, call ConsoleCall) error {
	metadata, err := auditMetadata(call.Request)
	if err == nil {
		metadata, err = k.db.Dialect().JSON(metadata)
	}
	if err != nil {
		return failed("write the audit log", err)
	}
	id, err := uuid.NewV4()
	if err != nil {
		return failed("write the audit log", err)
	}
	// The call has happened, so it is recorded even if its client has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, err = k.db.Exec(ctx, `INSERT INTO console_audit_log (create_time, id, console_user_id, console_username, email, action, resource, message, metadata)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		k.now(), id, op.ID, op.Username, op.Email, call.Action.String(), call.Right.Resource.String(), call.Name, metadata)
	if err != nil {
		return failed("write the audit log", err)
	}
	return nil
}

// auditPosition is a place in the audit log, and with Back a cursor towards newer rows.
type auditPosition struct {
	Time time.Time `json:"t"`
	ID   uuid.UUID `json:"i"`
	Back bool      `json:"b,omitempty"`
}

// ListAuditLogs lists what operators did, newest first, 1 to 100 entries, by default 20.
// After and before bound the time; the former is included.
//
// Errors: InvalidArgument for a bad limit, resource or cursor.
func (k *Console) ListAuditLogs(ctx context.Context, in *consolepb.AuditLogRequest) (*consolepb.AuditLogList, error) {
	limit, err := pageSize(in.Limit, 20)
	if err != nil {
		return nil, err
	}
	var where []string
	args := []any{limit + 1}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	if in.Username != "" {
		where = append(where, "console_username = "+arg(in.Username))
	}
	if in.Resource != "" {
		if _, ok := acl.Named(in.Resource); !ok {
			return nil, invalid("There is no resource %q.", in.Resource)
		}
		where = append(where, "resource = "+arg(in.Resource))
	}
	if in.Action != 0 {
		where = append(where, "action = "+arg(in.Action.String()))
	}
	if in.After != nil {
		where = append(where, "create_time >= "+arg(in.After.AsTime()))
	}
	if in.Before != nil {
		where = append(where, "create_time < "+arg(in.Before.AsTime()))
	}
	var from auditPosition
	order := "DESC"
	if in.Cursor != "" {
		if err := decodeCursor(auditCursor, in.Cursor, &from); err != nil || !storable(from.Time) {
			return nil, errPageCursor
		}
		compare := " < "
		if from.Back {
			compare, order = " > ", "ASC"
		}
		where = append(where, "(create_time, id)"+compare+"("+arg(from.Time)+", "+arg(from.ID)+")")
	}
	query := "SELECT create_time, id, console_user_id, console_username, email, action, resource, message, metadata FROM console_audit_log"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	rows, err := k.db.Reader().QueryContext(ctx, query+" ORDER BY create_time "+order+", id "+order+" LIMIT $1", args...)
	if err != nil {
		return nil, failed("read the audit log", err)
	}
	defer rows.Close()
	var entries []*consolepb.AuditLog
	var places []auditPosition
	for rows.Next() {
		var at auditPosition
		var action, resource string
		e := &consolepb.AuditLog{}
		if err := rows.Scan(&at.Time, &at.ID, &e.UserId, &e.Username, &e.Email, &action, &resource, &e.Message, &e.Metadata); err != nil {
			return nil, failed("read the audit log", err)
		}
		r, _ := acl.Named(resource)
		e.Id, e.Timestamp = at.ID.String(), timestamppb.New(at.Time)
		e.Resource, e.Action = int32(r), AuditAction(consolepb.AuditLogAction_value[action])
		entries, places = append(entries, e), append(places, at)
	}
	if err := rows.Err(); err != nil {
		return nil, failed("read the audit log", err)
	}
	more := len(entries) > limit
	if more {
		entries, places = entries[:limit], places[:limit]
	}
	if from.Back {
		slices.Reverse(entries)
		slices.Reverse(places)
	}
	list := &consolepb.AuditLogList{Entries: entries}
	if len(entries) == 0 {
		return list, nil
	}
	if more || from.Back {
		list.NextCursor, err = encodeCursor(auditCursor, places[len(places)-1])
	}
	if err == nil && in.Cursor != "" && (more || !from.Back) {
		first := places[0]
		first.Back = true
		list.PrevCursor, err = encodeCursor(auditCursor, first)
	}
	if err != nil {
		return nil, failed("read the audit log", err)
	}
	return list, nil
}

// ListAuditLogsUsers lists the names in the audit log.
func (k *Console) ListAuditLogsUsers(ctx context.Context) (*consolepb.AuditLogUserList, error) {
	rows, err := k.db.Reader().QueryContext(ctx, "SELECT DISTINCT console_username FROM console_audit_log ORDER BY console_username")
	if err != nil {
		return nil, failed("read the audit log", err)
	}
	defer rows.Close()
	list := &consolepb.AuditLogUserList{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, failed("read the audit log", err)
		}
		list.Usernames = append(list.Usernames, name)
	}
	if err := rows.Err(); err != nil {
		return nil, failed("read the audit log", err)
	}
	return list, nil
}

var errPageCursor = fault.New(fault.InvalidArgument, "The cursor is not one of this list.")

// pageSize returns the limit of a request, which must be between 1 and 100. With a
// missing of zero it may not be left out.
func pageSize(limit uint32, missing int) (int, error) {
	if limit == 0 && missing > 0 {
		return missing, nil
	}
	if limit < 1 || limit > 100 {
		return 0, invalid("Invalid limit - limit must be between 1 and 100.")
	}
	return int(limit), nil
}
