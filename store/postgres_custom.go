package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// dirty marks a connection on which a script's SQL ran.
const dirty = "kumi.dirty"

// forgetSession marks a connection, so that the pool resets it when it is returned.
func forgetSession(c *sql.Conn) {
	_ = c.Raw(func(dc any) error {
		dc.(*stdlib.Conn).Conn().PgConn().CustomData()[dirty] = true
		return nil
	})
}

// resetSession undoes what a script's SQL may have changed for the whole connection:
// settings, the role, LISTEN, advisory locks, temporary tables and cursors. It runs
// after the result was returned, and reports whether the connection can be used again.
func resetSession(c *pgx.Conn) bool {
	data := c.PgConn().CustomData()
	if data[dirty] == nil {
		return true
	}
	delete(data, dirty)
	ctx, cancel := context.WithTimeout(context.Background(), busyTimeout)
	defer cancel()
	// One round trip. DISCARD ALL would also drop the prepared statements.
	_, err := c.PgConn().Exec(ctx, "RESET SESSION AUTHORIZATION; RESET ALL; UNLISTEN *; CLOSE ALL; "+
		"SELECT pg_advisory_unlock_all(); DISCARD TEMP").ReadAll()
	return err == nil
}

// postgresArgs converts the lists and objects that a script passes to the types of
// their parameters: a list for an array, otherwise JSON text.
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
