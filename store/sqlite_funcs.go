package store

import (
	"bytes"
	"crypto/md5"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"modernc.org/sqlite"
)

// registry registers functions on the driver.
type registry struct{ *sqlite.Driver }

// pure registers a function that depends only on its arguments.
func (r registry) pure(name string, args int32, fn func(args []driver.Value) (driver.Value, error)) {
	r.MustRegisterDeterministicScalarFunction(name, args, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		return fn(args)
	})
}

// atLeast encodes the number of arguments of a function that takes n or more.
func atLeast(n int32) int32 { return -1 - n }

// strict registers a function that returns NULL if one of its arguments is NULL.
func (r registry) strict(name string, args int32, fn func(args []driver.Value) (driver.Value, error)) {
	r.pure(name, max(args, -1), func(got []driver.Value) (driver.Value, error) {
		for _, v := range got {
			if v == nil {
				return nil, nil
			}
		}
		if n := -1 - args; len(got) < int(n) {
			return nil, fmt.Errorf("%s expects at least %d arguments, got %d", strings.TrimPrefix(name, "pg_"), n, len(got))
		}
		v, err := fn(got)
		if err != nil {
			return nil, err
		}
		return v, nil
	})
}

func nothing(fn func() driver.Value) func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
	return func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) { return fn(), nil }
}

// registerFunctions adds the functions that the server's own SQL needs, and those that
// package translate generates calls of.
func registerFunctions(d *sqlite.Driver) {
	r := registry{d}
	registerCasts(r)
	registerTimes(r)
	registerText(r)
	registerJSON(r)
	registerLists(r)
	d.MustRegisterScalarFunction("now", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return formatTime(time.Now())
	})
	d.MustRegisterScalarFunction("gen_random_uuid", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		id, err := uuid.NewV4()
		return id.String(), err
	})
	r.pure("md5", 1, func(args []driver.Value) (driver.Value, error) {
		if args[0] == nil {
			return nil, nil
		}
		sum := md5.Sum([]byte(text(args[0])))
		return hex.EncodeToString(sum[:]), nil
	})
	r.pure("to_timestamp", 1, func(args []driver.Value) (driver.Value, error) {
		switch v := args[0].(type) {
		case nil:
			return nil, nil
		case int64:
			return formatTime(time.Unix(v, 0))
		case float64:
			return formatTime(time.UnixMicro(int64(v * 1e6)))
		default:
			return nil, fmt.Errorf("to_timestamp: want a number, got %T", v)
		}
	})
	r.pure("fold", 1, func(args []driver.Value) (driver.Value, error) {
		if args[0] == nil {
			return nil, nil
		}
		return strings.ToLower(text(args[0])), nil
	})
	r.pure("greatest", -1, func(args []driver.Value) (driver.Value, error) { return extreme(args, 1) })
	r.pure("least", -1, func(args []driver.Value) (driver.Value, error) { return extreme(args, -1) })
	r.pure("jsonb_concat", 2, func(args []driver.Value) (driver.Value, error) {
		if args[0] == nil || args[1] == nil {
			return nil, nil
		}
		return concatJSON(text(args[0]), text(args[1]))
	})
	r.pure("to_jsonb", 1, func(args []driver.Value) (driver.Value, error) {
		switch v := args[0].(type) {
		case nil:
			return nil, nil
		case string:
			return quoteJSON(v), nil
		default:
			return fmt.Sprint(v), nil
		}
	})
}

func text(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}

// extreme returns the largest (sign 1) or smallest (sign -1) of the values that are
// not NULL, like PostgreSQL's GREATEST and LEAST.
func extreme(args []driver.Value, sign int) (driver.Value, error) {
	var best driver.Value
	for _, v := range args {
		if v == nil {
			continue
		}
		if best == nil {
			best = v
			continue
		}
		c, err := compareValues(v, best)
		if err != nil {
			return nil, err
		}
		if c*sign > 0 {
			best = v
		}
	}
	return best, nil
}

func compareValues(a, b driver.Value) (int, error) {
	switch a := a.(type) {
	case int64:
		switch b := b.(type) {
		case int64:
			return order(a, b), nil
		case float64:
			return order(float64(a), b), nil
		}
	case float64:
		switch b := b.(type) {
		case int64:
			return order(a, float64(b)), nil
		case float64:
			return order(a, b), nil
		}
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b), nil
		}
	case []byte:
		if b, ok := b.([]byte); ok {
			return bytes.Compare(a, b), nil
		}
	}
	return 0, fmt.Errorf("greatest/least: cannot compare %T with %T", a, b)
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
