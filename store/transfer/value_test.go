package transfer_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"kumi/store/transfer"
)

// values makes random values of columns.
type values struct{ *rand.Rand }

// text has many of the characters that mean something to SQL, COPY or JSON.
func (v values) text() string {
	parts := []string{"a", "Z", "0", " ", "\t", "\n", "\r", "\v", "\b", "\x01", "\x7f", `\`, `\N`, `\.`, `"`, "'", "=", ",", "{", "}", "é", "日", "🦊", "\u2028", "\ufeff", "NULL", "1970-01-01 00:00:00.000000+00:00", "1e5", "true"}
	var b strings.Builder
	for range v.IntN(6) {
		b.WriteString(parts[v.IntN(len(parts))])
	}
	return b.String()
}

func (v values) json(depth int) string {
	kind := v.IntN(8)
	if depth == 0 {
		kind = v.IntN(6)
	}
	switch kind {
	case 0:
		return []string{"true", "false", "null"}[v.IntN(3)]
	case 1, 2:
		return []string{"0", "-0", "1.50", "1e3", "1E-7", "-12.340e2", "9007199254740993", "-9223372036854775808", "123456789012345678901234567890.123", "1e-20", "2.5e40"}[v.IntN(11)]
	case 3, 4, 5:
		text, _ := json.Marshal(v.text())
		return string(text)
	case 6:
		var items []string
		for range v.IntN(4) {
			items = append(items, v.json(depth-1))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	var members []string
	for range v.IntN(5) {
		name, _ := json.Marshal(v.text())
		members = append(members, string(name)+":"+v.json(depth-1))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (v values) time() time.Time {
	return time.UnixMicro(v.Int64N(253_402_300_799_999_999+62_135_596_800_000_000) - 62_135_596_800_000_000)
}

func (v values) bytes() []byte {
	b := make([]byte, v.IntN(20))
	for i := range b {
		b[i] = byte(v.Uint32())
	}
	return b
}

// Random values are the same after a copy there and back.
func TestRandomValues(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	v := values{rand.New(rand.NewPCG(seed, 0))}
	from, lite, back := nakama(t), embedded(t), empty(t)
	conn, err := from.PostgresConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var work pgx.Batch
	for i := range 500 {
		var password []byte
		if v.IntN(4) > 0 {
			password = v.bytes()
		}
		work.Queue("INSERT INTO users (id, username, display_name, metadata, password, create_time, edge_count) VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6)",
			fmt.Sprintf("%d %s", i, v.text()), v.text(), v.json(3), password, v.time(), v.Int32N(1<<31-1))
		work.Queue("INSERT INTO storage (collection, key, user_id, value, version, update_time) VALUES ($1, $2, '00000000-0000-0000-0000-000000000000', $3, '', $4) ON CONFLICT DO NOTHING",
			v.text(), v.text(), v.json(3), v.time())
	}
	if err := conn.SendBatch(t.Context(), &work).Close(); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	run(t, from, "CREATE TABLE numbers (id int PRIMARY KEY, d double precision, r real)")
	work = pgx.Batch{}
	for i := range 300 {
		work.Queue("INSERT INTO numbers VALUES ($1, $2, $3)", i, v.NormFloat64()*float64(v.Uint64()), float32(v.NormFloat64()))
	}
	if err := conn.SendBatch(t.Context(), &work).Close(); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	first := mustCopy(t, from, lite, transfer.Options{})
	run(t, back, "CREATE TABLE numbers (id int PRIMARY KEY, d double precision, r real)")
	second := mustCopy(t, lite, back, transfer.Options{})
	if d := cmp.Diff(sums(first), sums(second)); d != "" {
		t.Errorf("seed %d: checksums (-import +export): %s", seed, d)
	}
	if d := cmp.Diff(rows(t, from), rows(t, back)); d != "" {
		t.Errorf("seed %d: rows, by PostgreSQL (-before +after): %s", seed, d)
	}
}
