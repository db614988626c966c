package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// dirty is the mark of a connection on which SQL of a script ran.
const dirty = "kumi.dirty"

// forgetSession marks a connection so that the pool resets it when it comes
// back.
func forgetSession(c *sql.Conn) {
	_ = c.Raw(func(dc any) error {
		dc.(*stdlib.Conn).Conn().PgConn().CustomData()[dirty] = true
		return nil
	})
}

// resetSession undoes what the SQL of a script may have set for the whole
// connection: settings, the role, listening, advisory locks, temporary tables
// and cursors. It runs after the answer was given, and reports whether the
// connection can be used again.
func resetSession(c *pgx.Conn) bool {
	data := c.PgConn().CustomData()
	if data[dirty] == nil {
		return true
	}
	delete(data, dirty)
	ctx, cancel := context.WithTimeout(context.Background(), busyTimeout)
	defer cancel()
	// In one exchange. DISCARD ALL would take prepared statements along.
	_, err := c.PgConn().Exec(ctx, "RESET SESSION AUTHORIZATION; RESET ALL; UNLISTEN *; CLOSE ALL; "+
		"SELECT pg_advisory_unlock_all(); DISCARD TEMP").ReadAll()
	return err == nil
}

// postgresArgs makes the lists and objects that a script passes fit their
// parameters: an array gets a list, anything else JSON text.
func postgresArgs(ctx context.Context, c *sql.Conn, query string, args []any) ([]any, error) {
	structured := false
	for _, a := range args {
		switch a.(type) {
		case []any, map[string]any:
			structured = true
		}
	}
	if !structured {
		return args, nil
	}
	var types []uint32
	var codecs *pgtype.Map
	err := c.Raw(func(dc any) error {
		conn := dc.(*stdlib.Conn).Conn()
		sd, err := conn.Prepare(ctx, "", query)
		if err != nil {
			return err
		}
		types, codecs = sd.ParamOIDs, conn.TypeMap()
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a
		switch a := a.(type) {
		case []any:
			if i < len(types) {
				if t, ok := codecs.TypeForOID(types[i]); ok {
					if _, array := t.Codec.(*pgtype.ArrayCodec); array {
						continue
					}
				}
			}
			if out[i], err = jsonArgument(a); err != nil {
				return nil, err
			}
		case map[string]any:
			if out[i], err = jsonArgument(a); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func jsonArgument(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
