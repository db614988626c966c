package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

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
