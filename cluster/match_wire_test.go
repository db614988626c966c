package cluster

import (
	"context"
	"errors"
	"math"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/presence"
)

func somebody() *presence.Presence {
	return &presence.Presence{
		ID:     presence.ID{Node: "a", Session: uuid.Must(presence.NewSessionID(presence.NodeHash("a")))},
		UserID: uuid.Must(uuid.NewV4()), Meta: presence.Meta{Username: "ann", Status: "\xff", Persistence: true},
	}
}

// Parameters arrive as the types that module code in Go had, including texts that are not
// UTF-8.
func TestParamsKeepTheirTypes(t *testing.T) {
	t.Parallel()
	p := somebody()
	params := map[string]any{
		"nil": nil, "bool": true, "string": "a\xffb", "bytes": []byte{0, 1, 255},
		"int": -1, "int8": int8(-128), "int16": int16(-5), "int32": int32(math.MinInt32), "int64": int64(math.MinInt64),
		"uint": uint(7), "uint8": uint8(255), "uint16": uint16(9), "uint32": uint32(math.MaxUint32), "uint64": uint64(math.MaxUint64),
		"float32": float32(1.5), "float64": math.Pi, "inf": math.Inf(1),
		"list": []any{1, "x", nil, []any{}, map[string]any{"deep": []any{true}}}, "strings": []string{"a", ""}, "ints": []int{1, -1},
		"int64s": []int64{1 << 60}, "float64s": []float64{0.5}, "bools": []bool{true, false}, "map": map[string]any{},
		"texts": map[string]string{"k": "v"}, "maps": []map[string]any{{"a": 1}, {}},
		"presence": p, "presences": []runtime.Presence{p}, "strange\xff": 1,
	}
	in, err := writeMatchCall(&match.Call{Op: match.OpCreate, Params: params})
	if err != nil {
		t.Fatal(err)
	}
	data, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	in = &wire.MatchCall{}
	if err := proto.Unmarshal(data, in); err != nil {
		t.Fatal(err)
	}
	c, err := readMatchCall(in)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range params {
		if got := c.Params[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%q arrives as %T %v, not as %T %v", name, got, got, want, want)
		}
	}
	if len(c.Params) != len(params) {
		t.Errorf("%d of %d parameters arrive", len(c.Params), len(params))
	}
}

func TestEntriesAndMessagesAsParams(t *testing.T) {
	t.Parallel()
	e := &matchmaker.Entry{Presence: somebody(), Ticket: &matchmaker.Ticket{
		ID: "t", CreatedAt: 5, Request: matchmaker.Request{
			PartyID: "p", StringProperties: map[string]string{"mode": "duel"}, NumericProperties: map[string]float64{"rank": 3},
		},
	}}
	in, err := writeValue(map[string]any{"one": e, "all": []runtime.MatchmakerEntry{e}, "match": &api.Match{MatchId: "m"}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := readValue(in)
	if err != nil {
		t.Fatal(err)
	}
	got := v.(map[string]any)
	for _, other := range []runtime.MatchmakerEntry{got["one"].(runtime.MatchmakerEntry), got["all"].([]runtime.MatchmakerEntry)[0]} {
		if !reflect.DeepEqual(other.GetPresence(), e.GetPresence()) || other.GetTicket() != "t" || other.GetPartyId() != "p" ||
			other.GetCreateTime() != 5 || !reflect.DeepEqual(other.GetProperties(), e.GetProperties()) {
			t.Errorf("the entry %+v arrives as %+v", e, other)
		}
	}
	if m := got["match"].(*api.Match); m.MatchId != "m" {
		t.Errorf("the message arrives as %v", m)
	}
	if _, err := writeValue(map[string]any{"f": func() {}}); err == nil {
		t.Error("a function is written")
	}
}

// Whatever a peer sends is read or refused.
func FuzzMatchCall(f *testing.F) {
	good, err := writeMatchCall(&match.Call{Op: match.OpCreate, Params: map[string]any{"a": []any{1, "b"}, "p": somebody()}})
	if err != nil {
		f.Fatal(err)
	}
	join, err := writeMatchCall(&match.Call{Op: match.OpAdmit, Joiner: &match.Joiner{Presence: *somebody()}})
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range []*wire.MatchCall{good, join} {
		data, err := proto.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		var m wire.MatchCall
		if proto.Unmarshal(data, &m) == nil {
			_, _ = readMatchCall(&m)
		}
		var p wire.PartyCall
		if proto.Unmarshal(data, &p) == nil {
			_, _ = readPartyCall(&p)
		}
		var a wire.MatchAnswer
		if proto.Unmarshal(data, &a) == nil {
			_, _ = readMatchAnswer(&a, presence.Stream{})
		}
		var l wire.PartyList
		if proto.Unmarshal(data, &l) == nil {
			_, _ = readPartyFilter(&l)
		}
	})
}

// Callers who ask the same within 100 ms get one answer, and those who give up do not end
// it for the others.
func TestSharedAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s shared[int]
		var asked atomic.Int32
		ask := func() (int, error) {
			time.Sleep(50 * time.Millisecond)
			return int(asked.Add(1)), nil
		}
		get := func(key string) int {
			n, err := s.get(t.Context(), key, ask)
			if err != nil {
				t.Error(err)
			}
			return n
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.get(impatient, "a", ask); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gives up gets %v", err)
		}
		if a, b := get("a"), get("a"); a != 1 || b != 1 {
			t.Errorf("%d and %d are the answers to one question", a, b)
		}
		if n := get("b"); n != 2 {
			t.Errorf("another question has the answer %d", n)
		}
		time.Sleep(sharedFor)
		if n := get("a"); n != 3 {
			t.Errorf("later the answer is %d", n)
		}
	})
}
