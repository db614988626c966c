package store

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
)

// The functions that package translate generates for PostgreSQL's casts. They refuse
// what PostgreSQL refuses, with its messages; SQLite's CAST would return some value.

func registerCasts(r registry) {
	r.strict("pg_bool", 1, func(a []driver.Value) (driver.Value, error) { return castBool(a[0]) })
	r.strict("pg_int2", 1, func(a []driver.Value) (driver.Value, error) {
		return castInt(a[0], "smallint", math.MinInt16, math.MaxInt16)
	})
	r.strict("pg_int4", 1, func(a []driver.Value) (driver.Value, error) {
		return castInt(a[0], "integer", math.MinInt32, math.MaxInt32)
	})
	r.strict("pg_int8", 1, func(a []driver.Value) (driver.Value, error) {
		return castInt(a[0], "bigint", math.MinInt64, math.MaxInt64)
	})
	r.strict("pg_float", 1, func(a []driver.Value) (driver.Value, error) { return castFloat(a[0], "double precision") })
	r.strict("pg_numeric", atLeast(1), func(a []driver.Value) (driver.Value, error) {
		f, err := castFloat(a[0], "numeric")
		if err != nil || len(a) == 1 {
			if n, ok := a[0].(int64); ok && err == nil {
				return n, nil
			}
			return f, err
		}
		scale := 0.0
		if len(a) > 2 {
			scale, _ = castFloat(a[2], "numeric")
		}
		p := math.Pow(10, scale)
		return math.Round(f*p) / p, nil
	})
	r.strict("pg_text", 1, func(a []driver.Value) (driver.Value, error) { return castText(a[0]), nil })
	r.strict("pg_booltext", 1, func(a []driver.Value) (driver.Value, error) {
		b, err := castBool(a[0])
		if err != nil {
			return nil, err
		}
		return strconv.FormatBool(b == int64(1)), nil
	})
	r.strict("pg_uuid", 1, func(a []driver.Value) (driver.Value, error) {
		id, err := uuid.FromString(strings.TrimSpace(text(a[0])))
		if err != nil {
			return nil, badInput("uuid", a[0])
		}
		return id.String(), nil
	})
	r.strict("pg_jsonb", 1, func(a []driver.Value) (driver.Value, error) { return NormalizeJSON(castText(a[0])) })
	r.strict("pg_bytea", 1, func(a []driver.Value) (driver.Value, error) {
		s, ok := a[0].(string)
		if !ok {
			return a[0], nil
		}
		if digits, ok := strings.CutPrefix(s, `\x`); ok {
			b, err := hex.DecodeString(digits)
			if err != nil {
				return nil, badInput("bytea", s)
			}
			return b, nil
		}
		return []byte(s), nil
	})
	r.strict("pg_time", 1, func(a []driver.Value) (driver.Value, error) {
		t, err := castTime(a[0])
		if err != nil {
			return nil, err
		}
		return formatTime(t)
	})
	r.strict("pg_timetext", 1, func(a []driver.Value) (driver.Value, error) {
		t, err := castTime(a[0])
		if err != nil {
			return nil, err
		}
		return t.Format("2006-01-02 15:04:05.999999-07"), nil
	})
	r.strict("pg_date", 1, func(a []driver.Value) (driver.Value, error) {
		t, err := castTime(a[0])
		if err != nil {
			return nil, err
		}
		return t.Format(time.DateOnly), nil
	})
	r.strict("pg_interval", 1, func(a []driver.Value) (driver.Value, error) {
		v, err := parseInterval(text(a[0]))
		return v.String(), err
	})
}

func badInput(typ string, v driver.Value) error {
	return fmt.Errorf("invalid input syntax for type %s: %q", typ, text(v))
}

func castBool(v driver.Value) (driver.Value, error) {
	switch v := v.(type) {
	case int64:
		return fromBool(v != 0), nil
	case float64:
		return fromBool(v != 0), nil
	}
	switch s := strings.ToLower(strings.TrimSpace(text(v))); s {
	case "t", "tr", "tru", "true", "y", "ye", "yes", "on", "1":
		return int64(1), nil
	case "f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0":
		return int64(0), nil
	}
	return nil, badInput("boolean", v)
}

func fromBool(b bool) driver.Value {
	if b {
		return int64(1)
	}
	return int64(0)
}

// castInt rounds halves away from zero, like PostgreSQL for numeric.
func castInt(v driver.Value, typ string, low, high int64) (driver.Value, error) {
	var n int64
	switch v := v.(type) {
	case int64:
		n = v
	case float64:
		r := math.Round(v)
		if math.IsNaN(r) || r < -(1<<63) || r >= 1<<63 {
			return nil, fmt.Errorf("%s out of range", typ)
		}
		n = int64(r)
	default:
		s := strings.TrimSpace(text(v))
		var err error
		if n, err = strconv.ParseInt(s, 10, 64); err != nil {
			if ne, ok := err.(*strconv.NumError); ok && ne.Err == strconv.ErrRange {
				return nil, fmt.Errorf("value %q is out of range for type %s", s, typ)
			}
			return nil, badInput(typ, v)
		}
	}
	if n < low || n > high {
		return nil, fmt.Errorf("%s out of range", typ)
	}
	return n, nil
}

func castFloat(v driver.Value, typ string) (float64, error) {
	switch v := v.(type) {
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(text(v)), 64)
	if err != nil {
		return 0, badInput(typ, v)
	}
	return f, nil
}

func castText(v driver.Value) string {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return `\x` + hex.EncodeToString(v)
	}
	return text(v)
}

// castTime parses the forms of a time that PostgreSQL accepts and that games use.
func castTime(v driver.Value) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, fmt.Errorf("cannot cast %v to a time; use to_timestamp(seconds)", v)
	}
	s = strings.TrimSpace(s)
	if t, ok := parseFixedTime(s); ok {
		return t, nil
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	switch strings.ToLower(s) {
	case "now":
		return time.Now().UTC(), nil
	case "epoch":
		return Epoch, nil
	case "today":
		return today, nil
	case "yesterday":
		return today.AddDate(0, 0, -1), nil
	case "tomorrow":
		return today.AddDate(0, 0, 1), nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, badInput("timestamp with time zone", s)
}

var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999 -07:00",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999-07", "2006-01-02 15:04", "2006-01-02T15:04",
	time.DateOnly, "2006/01/02", "2006-01-02 15:04:05.999999999 MST", "20060102",
}
