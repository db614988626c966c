package core

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/acl"
	"kumi/core/consolepb"
	"kumi/store"
	"kumi/store/fault"
)

// A template is a named set of rights, which pages offer when an operator is added. It
// gives no one a right by itself.

const templateColumns = "id, name, description, acl, create_time, update_time"

func scanTemplate(row interface{ Scan(...any) error }) (*consolepb.AclTemplate, error) {
	t := &consolepb.AclTemplate{}
	var text string
	var rights acl.Set
	var created, updated time.Time
	if err := row.Scan(&t.Id, &t.Name, &t.Description, &text, &created, &updated); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), &rights); err != nil {
		return nil, err
	}
	t.Acl, t.CreateTime, t.UpdateTime = permissions(rights), timestamppb.New(created), timestamppb.New(updated)
	return t, nil
}

// ListAclTemplates lists the templates by name.
func (k *Console) ListAclTemplates(ctx context.Context) (*consolepb.AclTemplateList, error) {
	rows, err := k.db.Reader().QueryContext(ctx, "SELECT "+templateColumns+" FROM console_acl_template ORDER BY name")
	if err != nil {
		return nil, failed("list templates", err)
	}
	defer rows.Close()
	list := &consolepb.AclTemplateList{}
	for rows.Next() {
		t, err := scanTemplate(rows)
		if err != nil {
			return nil, failed("list templates", err)
		}
		list.Templates = append(list.Templates, t)
	}
	if err := rows.Err(); err != nil {
		return nil, failed("list templates", err)
	}
	return list, nil
}

// AddAclTemplate adds a template. Errors: InvalidArgument for a bad name or description
// and for rights that the caller does not have, AlreadyExists for a name in use.
func (k *Console) AddAclTemplate(ctx context.Context, op *Operator, in *consolepb.AddAclTemplateRequest) (*consolepb.AclTemplate, error) {
	id, err := uuid.NewV4()
	if err != nil {
		return nil, failed("make an id", err)
	}
	return k.writeTemplate(ctx, op, id, in.Name, in.Description, in.Acl, `INSERT INTO console_acl_template (id, name, description, acl, create_time, update_time)
		VALUES ($1, $2, $3, $4, $5, $5) RETURNING `)
}

// UpdateAclTemplate replaces a template. Errors as in AddAclTemplate, and NotFound.
func (k *Console) UpdateAclTemplate(ctx context.Context, op *Operator, in *consolepb.UpdateAclTemplateRequest) (*consolepb.AclTemplate, error) {
	id, err := consoleID("template", in.Id)
	if err != nil {
		return nil, err
	}
	return k.writeTemplate(ctx, op, id, in.Name, in.Description, in.Acl, `UPDATE console_acl_template
		SET name = $2, description = $3, acl = $4, update_time = $5 WHERE id = $1 RETURNING `)
}

func (k *Console) writeTemplate(ctx context.Context, op *Operator, id uuid.UUID, name, description string, in map[string]*consolepb.Permissions, query string) (*consolepb.AclTemplate, error) {
	if n := utf8.RuneCountInString(name); n < 1 || n > 64 {
		return nil, invalid("The name of a template must have 1 to 64 characters.")
	}
	if utf8.RuneCountInString(description) > 64 {
		return nil, invalid("The description of a template may have up to 64 characters.")
	}
	rights := rightsOf(in)
	if err := op.mayGrant(rights); err != nil {
		return nil, err
	}
	stored, err := k.storedRights(rights)
	if err != nil {
		return nil, err
	}
	var t *consolepb.AclTemplate
	err = k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		t, err = scanTemplate(q.QueryRowContext(ctx, query+templateColumns, id, name, description, stored, k.now()))
		return err
	})
	switch _, taken := store.IsUnique(err); {
	case taken:
		return nil, fault.Wrap(fault.AlreadyExists, "There is a template of that name.", err)
	case errors.Is(err, sql.ErrNoRows):
		return nil, fault.Wrap(fault.NotFound, "Template not found.", err)
	case err != nil:
		return nil, failed("write the template", err)
	}
	return t, nil
}

// DeleteAclTemplate deletes a template; one that does not exist is no error.
func (k *Console) DeleteAclTemplate(ctx context.Context, in *consolepb.DeleteAclTemplateRequest) error {
	id, err := consoleID("template", in.Id)
	if err != nil {
		return err
	}
	if _, err := k.db.Exec(ctx, "DELETE FROM console_acl_template WHERE id = $1", id); err != nil {
		return failed("delete the template", err)
	}
	return nil
}

// consoleID reads an id of a request. InvalidArgument names what it is of.
func consoleID(of, text string) (uuid.UUID, error) {
	id, err := uuid.FromString(text)
	if err != nil {
		return uuid.Nil, invalid("Requires a valid %s ID.", of)
	}
	return id, nil
}
