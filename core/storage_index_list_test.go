package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/index"
	"kumi/store/fault"
	"kumi/store/storetest"
)

// When the filter fails, the index keeps what it had of the object. Invalid requests get
// errors that say what is wrong.
func TestStorageIndexErrors(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	ctx, m := t.Context(), c.Module()
	fail := false
	c.SetStorageIndexes([]StorageIndex{{Name: "i", Collection: gear, Fields: []string{"n"}, MaxEntries: 10, IndexOnly: true,
		Filter: func(context.Context, *runtime.StorageWrite) (bool, error) {
			if fail {
				return false, errors.New("failed")
			}
			return true, nil
		}}})
	for _, value := range []string{`{"n":1,"other":1}`, `{"n":2}`} {
		if _, err := m.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: "k", Value: value}}); err != nil {
			t.Fatal(err)
		}
		fail = true
	}
	list, cursor, err := m.StorageIndexList(ctx, "", "i", "", 1, nil, "")
	if err != nil || len(list.Objects) != 1 || list.Objects[0].Value != `{"n":1}` || cursor != "" {
		t.Errorf("%v, %q, %v", list, cursor, err)
	}
	for _, test := range []struct {
		name, query, want string
		limit             int
		order             []string
		cursor            string
	}{
		{"x", "", `index "x" not found`, 1, nil, ""},
		{"i", "", "limit must be 1-10000, not 0", 0, nil, ""},
		{"i", "", "limit must be 1-10000, not 10001", 10001, nil, ""},
		{"i", "+", `nothing follows`, 1, nil, ""},
		{"i", "", `cannot sort by "-value.x"`, 1, []string{"-value.x"}, ""},
		{"i", "", "invalid cursor", 1, nil, "abc"},
		{"i", "", "an order has at most 8 fields, not 9", 1, strings.Split("n,n,n,n,n,n,n,n,n", ","), ""},
	} {
		_, _, err := m.StorageIndexList(ctx, "", test.name, test.query, test.limit, test.order, test.cursor)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
	fail = false
	if _, err := m.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: "k2", Value: `{"n":3}`}}); err != nil {
		t.Fatal(err)
	}
	_, cursor, err = m.StorageIndexList(ctx, "", "i", "", 1, nil, "")
	if err != nil || cursor == "" {
		t.Fatalf("%q, %v", cursor, err)
	}
	if _, _, err = m.StorageIndexList(ctx, "", "i", "+value.n:1", 1, nil, cursor); err == nil || !strings.Contains(err.Error(), "invalid cursor") {
		t.Errorf("the cursor of another query: %v", err)
	}
	// A cursor that a client made, of the right list but with a position of another order.
	forged, err := encodeCursor(indexListCursor, indexCursor{listHash("i", "", []string{"n"}), &index.Position{}})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = m.StorageIndexList(ctx, "", "i", "", 1, []string{"n"}, forged)
	if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(fmt.Sprint(err), "invalid cursor: its position has 0 values, and the order 1") {
		t.Errorf("a forged cursor: %v", err)
	}
}

// The longest cursors are accepted: those of an order of many fields, with long texts of
// characters that JSON escapes.
func TestStorageIndexLongCursors(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	ctx, m := t.Context(), c.Module()
	fields := strings.Split("a,b,c,d,e,f,g,h", ",")
	c.SetStorageIndexes([]StorageIndex{{Name: "i", Collection: gear, Fields: fields, MaxEntries: 10}})
	value := map[string]string{}
	for _, f := range fields {
		value[f] = strings.Repeat("\u2028<&", 100)
	}
	text, _ := json.Marshal(value)
	for _, last := range []string{"1", "2"} {
		write := &runtime.StorageWrite{Collection: gear, Key: strings.Repeat("😀", 127) + last, Value: string(text)}
		if _, err := m.StorageWrite(ctx, []*runtime.StorageWrite{write}); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range [][]string{fields, slices.Repeat([]string{"key"}, 8)} {
		list, cursor, err := m.StorageIndexList(ctx, "", "i", "", 1, order, "")
		if err != nil || len(list.Objects) != 1 || cursor == "" {
			t.Fatalf("%v, %q, %v", list, cursor, err)
		}
		next, _, err := m.StorageIndexList(ctx, "", "i", "", 1, order, cursor)
		if err != nil || len(next.Objects) != 1 || next.Objects[0].Key == list.Objects[0].Key {
			t.Errorf("the page after a cursor of %d bytes: %v, %v", len(cursor), next, err)
		}
	}
}

// storage.disable_index_only makes lists return whole objects.
func TestStorageIndexOnlyIsDisabled(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	c.noIndexOnly = true
	c.SetStorageIndexes([]StorageIndex{{Name: "i", Collection: gear, Fields: []string{"n"}, MaxEntries: 10, IndexOnly: true}})
	if _, err := c.Module().StorageWrite(t.Context(), []*runtime.StorageWrite{{Collection: gear, Key: "k", Value: `{"n":1,"other":1}`}}); err != nil {
		t.Fatal(err)
	}
	list, _, err := c.Module().StorageIndexList(t.Context(), "", "i", "", 1, nil, "")
	if err != nil || len(list.Objects) != 1 || !strings.Contains(list.Objects[0].Value, "other") {
		t.Errorf("%v, %v", list, err)
	}
}
