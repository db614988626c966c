package core

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/core/consolepb"
	"kumi/store"
	"kumi/store/fault"
)

// notePlace is the place of a note in the list of an account's.
type notePlace struct {
	Time time.Time `json:"t"`
	ID   uuid.UUID `json:"i"`
}

const noteColumns = `SELECT n.id, n.user_id, n.note, n.create_time, n.update_time, n.create_id, c.username, n.update_id, u.username
	FROM users_notes n LEFT JOIN console_user c ON c.id = n.create_id LEFT JOIN console_user u ON u.id = n.update_id`

var notePages = pagedList[*consolepb.AccountNote, notePlace]{
	cursor: noteCursor, query: noteColumns, order: []string{"n.create_time", "n.id"}, descending: true,
	scan: func(rows *sql.Rows) (*consolepb.AccountNote, notePlace, error) {
		n := &consolepb.AccountNote{}
		var at notePlace
		var updated time.Time
		var creator, creatorName, updater, updaterName sql.NullString
		err := rows.Scan(&at.ID, &n.UserId, &n.Note, &at.Time, &updated, &creator, &creatorName, &updater, &updaterName)
		n.Id, n.CreateTime, n.UpdateTime = at.ID.String(), seconds(at.Time), seconds(updated)
		n.CreateId, n.CreateUsername, n.UpdateId, n.UpdateUsername = creator.String, creatorName.String, updater.String, updaterName.String
		return n, at, err
	},
	values: func(p notePlace) []any { return []any{p.Time, p.ID} },
}

// maxNote is the maximum length of a note, in bytes.
const maxNote = 64 << 10

// ListAccountNotes lists what operators noted about a player, newest first, 1 to 100 a
// page, by default 10.
func (k *Console) ListAccountNotes(ctx context.Context, in *consolepb.ListAccountNotesRequest) (*consolepb.ListAccountNotesResponse, error) {
	user, err := consoleID("user", in.AccountId)
	if err != nil {
		return nil, err
	}
	limit, err := pageSize(in.Limit, 10)
	if err != nil {
		return nil, err
	}
	var where conditions
	where.add("n.user_id = ?", user)
	found, err := notePages.read(ctx, k.db.Reader(), where, limit, in.Cursor)
	return &consolepb.ListAccountNotesResponse{Notes: found.rows, Cursor: found.next}, err
}

// AddAccountNote adds a note, or changes the one with an id.
//
// Errors: InvalidArgument for no text or too much of it, NotFound for an unknown account or
// note, FailedPrecondition for an operator without a token.
func (k *Console) AddAccountNote(ctx context.Context, op *Operator, in *consolepb.AddAccountNoteRequest) (*consolepb.AccountNote, error) {
	if op.Basic {
		return nil, fault.New(fault.FailedPrecondition, "A note needs an operator who logged in for a token.")
	}
	if in.Note == "" || len(in.Note) > maxNote {
		return nil, invalid("A note must have 1 to %d bytes.", maxNote)
	}
	user, err := k.existing(ctx, in.AccountId)
	if err != nil {
		return nil, err
	}
	if op.ID.IsNil() {
		if _, err := k.adminRow(ctx); err != nil { // for the name
			return nil, err
		}
	}
	var id uuid.UUID
	query := "UPDATE users_notes SET note = $3, update_id = $4, update_time = $5 WHERE id = $1 AND user_id = $2 RETURNING id"
	if in.Id != "" {
		id, err = consoleID("note", in.Id)
	} else {
		id, err = uuid.NewV4()
		query = "INSERT INTO users_notes (id, user_id, note, create_id, update_id, create_time, update_time) VALUES ($1, $2, $3, $4, $4, $5, $5) RETURNING id"
	}
	if err != nil {
		return nil, err
	}
	err = k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, query, id, user, in.Note, op.ID, k.now()).Scan(&id)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Wrap(fault.NotFound, "Note not found.", err)
	}
	if err != nil {
		return nil, failed("write the note", err)
	}
	var where conditions
	where.add("n.id = ?", id)
	found, err := notePages.read(ctx, k.db.Reader(), where, 1, "")
	if err != nil || len(found.rows) == 0 {
		return nil, failed("read the note", err)
	}
	return found.rows[0], nil
}

// DeleteAccountNote deletes a note; one that does not exist is no error.
func (k *Console) DeleteAccountNote(ctx context.Context, in *consolepb.DeleteAccountNoteRequest) error {
	user, err := consoleID("user", in.AccountId)
	if err != nil {
		return err
	}
	id, err := consoleID("note", in.NoteId)
	if err != nil {
		return err
	}
	if _, err := k.db.Exec(ctx, "DELETE FROM users_notes WHERE id = $1 AND user_id = $2", id, user); err != nil {
		return failed("delete the note", err)
	}
	return nil
}
