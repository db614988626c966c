package matchmaker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"go.uber.org/goleak"

	"kumi/presence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// player returns a presence by number.
func player(n int) *presence.Presence {
	p := &presence.Presence{ID: presence.ID{Node: "n1", Session: session(n)}, UserID: uuid.UUID{1, byte(n >> 8), byte(n)}}
	p.Username = fmt.Sprintf("p%d", n)
	return p
}

func session(n int) uuid.UUID { return uuid.UUID{2, byte(n >> 16), byte(n >> 8), byte(n)} }

func players(numbers ...int) []*presence.Presence {
	list := make([]*presence.Presence, len(numbers))
	for i, n := range numbers {
		list[i] = player(n)
	}
	return list
}

// solo is a request of one player who accepts anybody.
func solo(n, minCount, maxCount int) Request {
	return Request{Presences: players(n), MinCount: minCount, MaxCount: maxCount}
}

func party(id string, minCount, maxCount int, numbers ...int) Request {
	return Request{PartyID: id, Presences: players(numbers...), MinCount: minCount, MaxCount: maxCount}
}

func (r Request) query(text string) Request { r.Query = text; return r }
func (r Request) multiple(n int) Request    { r.CountMultiple = n; return r }
func (r Request) text(key, value string) Request {
	r.StringProperties = with(r.StringProperties, key, value)
	return r
}
func (r Request) num(key string, v float64) Request {
	r.NumericProperties = with(r.NumericProperties, key, v)
	return r
}

func with[V any](m map[string]V, key string, value V) map[string]V {
	out := map[string]V{key: value}
	for k, v := range m {
		if k != key {
			out[k] = v
		}
	}
	return out
}

// inOrder makes tickets search in order of age.
func inOrder() *rand.Rand { return rand.New(keepOrder{}) }

// keepOrder makes rand.Shuffle swap each element with itself.
type keepOrder struct{}

func (keepOrder) Uint64() uint64 { return ^uint64(0) }

// clock advances by a second each time it is read.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(1_700_000_000+c.at.Add(1), 0) }

func add(t testing.TB, m *Matchmaker, r Request) *Ticket {
	t.Helper()
	ticket, err := m.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// show formats matches as the numbers of their players.
func show(matches []*Match) string {
	var all []string
	for _, match := range matches {
		var names []string
		for _, e := range match.Entries {
			names = append(names, e.Presence.Username[1:])
		}
		all = append(all, strings.Join(names, " "))
	}
	return strings.Join(all, " | ")
}
