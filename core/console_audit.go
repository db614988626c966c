package core

import (
	"context"
	"database/sql"
	"time"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/acl"
	"kumi/core/consolepb"
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

// auditSecrets are the fields of requests that are not recorded: whoever reads the log
// could sign in with them. Of players that is also the custom id and the ids of devices.
// Nor is the data of an import recorded, which may be large.
var auditSecrets = []protoreflect.Name{"password", "code", "mfa", "token", "custom_id", "device_id", "device_ids"}

// auditMetadata is a request as JSON, without secrets.
func auditMetadata(request proto.Message) (string, error) {
	if request == nil {
		return "{}", nil
	}
	m := proto.Clone(request)
	r := m.ProtoReflect()
	for _, name := range auditSecrets {
		// The code of a notification is a number.
		if field := r.Descriptor().Fields().ByName(name); field != nil && field.Kind() != protoreflect.Int32Kind {
			r.Clear(field)
		}
	}
	if in, ok := m.(*consolepb.AccountImport); ok {
		in.Data = nil
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	return string(text), err
}

// record adds a call that succeeded to the audit log.
func (k *Console) record(ctx context.Context, op *Operator, call ConsoleCall) error {
	resource := call.Resource
	if call.Right != nil {
		resource = call.Right.Resource
	}
	if resource == acl.User {
		k.changed.raise()
	}
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
		k.now(), id, op.ID, op.Username, op.Email, call.Action.String(), resource.String(), call.Name, metadata)
	if err != nil {
		return failed("write the audit log", err)
	}
	return nil
}

// auditPlace is the place of an entry in the audit log.
type auditPlace struct {
	Time time.Time `json:"t"`
	ID   uuid.UUID `json:"i"`
}

var auditPages = pagedList[*consolepb.AuditLog, auditPlace]{
	cursor:     auditCursor,
	query:      "SELECT create_time, id, console_user_id, console_username, email, action, resource, message, metadata FROM console_audit_log",
	order:      []string{"create_time", "id"},
	descending: true,
	scan:       scanAudit,
	values:     func(p auditPlace) []any { return []any{p.Time, p.ID} },
}

func scanAudit(rows *sql.Rows) (*consolepb.AuditLog, auditPlace, error) {
	var at auditPlace
	var action, resource string
	e := &consolepb.AuditLog{}
	err := rows.Scan(&at.Time, &at.ID, &e.UserId, &e.Username, &e.Email, &action, &resource, &e.Message, &e.Metadata)
	r, _ := acl.Named(resource)
	e.Id, e.Timestamp = at.ID.String(), timestamppb.New(at.Time)
	e.Resource, e.Action = int32(r), AuditAction(consolepb.AuditLogAction_value[action])
	return e, at, err
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
	var where conditions
	if in.Username != "" {
		where.add("console_username = ?", in.Username)
	}
	if in.Resource != "" {
		if _, ok := acl.Named(in.Resource); !ok {
			return nil, invalid("There is no resource %q.", in.Resource)
		}
		where.add("resource = ?", in.Resource)
	}
	if in.Action != 0 {
		where.add("action = ?", in.Action.String())
	}
	where.during("create_time", in.After, in.Before)
	found, err := auditPages.read(ctx, k.db.Reader(), where, limit, in.Cursor)
	return &consolepb.AuditLogList{Entries: found.rows, NextCursor: found.next, PrevCursor: found.prev}, err
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
