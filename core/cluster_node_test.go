package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kumi/presence"
	"kumi/store/storetest"
)

func TestNodeEpochs(t *testing.T) {
	t.Parallel()
	db := storetest.PostgresDB(t)
	n, ctx := NewNodes(db), t.Context()
	begin := func(name string) NodeRun {
		t.Helper()
		run, err := n.Begin(ctx, name, name+":7352", "1")
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	want := func(run NodeRun, epoch uint64, restarted bool, others ...NodeAddress) {
		t.Helper()
		if run.Epoch != epoch || run.Restarted != restarted || !slices.Equal(run.Others, others) {
			t.Errorf("got %+v, want epoch %d, restarted %v, others %v", run, epoch, restarted, others)
		}
	}
	a, b := NodeAddress{"a", "a:7352"}, NodeAddress{"b", "b:7352"}
	want(begin("a"), 1, false)
	want(begin("b"), 1, false, a)
	want(begin("a"), 2, true, b)
	if err := n.End(ctx, "a", "other:7352", 1); err != nil { // an old process
		t.Fatal(err)
	}
	want(begin("a"), 3, true, b)
	if err := n.End(ctx, "a", "a:7352", 3); err != nil {
		t.Fatal(err)
	}
	want(begin("a"), 4, false, b)
	if err := n.End(ctx, "b", "b:7352", 1); err != nil {
		t.Fatal(err)
	}
	if others, err := n.Keep(ctx, "a", "a:7352", 4); err != nil || len(others) != 0 {
		t.Errorf("after b has ended a sees %v, %v", others, err)
	}
	if _, err := db.Exec(ctx, "UPDATE kumi_node SET seen = seen - 30000"); err != nil {
		t.Fatal(err)
	}
	want(begin("b"), 2, false)

	// A second process of a name is refused. Then the row is the first one's again.
	if _, err := n.Keep(ctx, "b", "b:7352", 2); err != nil {
		t.Fatal(err)
	}
	second, err := n.Begin(ctx, "b", "elsewhere:7352", "1")
	if err != nil || !second.Restarted || second.Before != "b:7352" {
		t.Errorf("the second process knows %+v, %v", second, err)
	}
	if err := n.End(ctx, "b", "elsewhere:7352", second.Epoch); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Keep(ctx, "b", "b:7352", 2); err != nil {
		t.Fatal(err)
	}
	want(begin("a"), 5, false, b)
	if err := n.End(ctx, "b", "b:7352", 2); err != nil {
		t.Fatal(err)
	}
	want(begin("b"), 4, false, a)
}

// Two names with one hash would be one node to the others.
func TestNodeHashIsTaken(t *testing.T) {
	t.Parallel()
	db := storetest.PostgresDB(t)
	n, ctx := NewNodes(db), t.Context()
	if _, err := n.Begin(ctx, "a", "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(ctx, "UPDATE kumi_node SET hash = $1", presence.NodeHash("b").String()); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Begin(ctx, "b", "", ""); err == nil || !strings.Contains(fmt.Sprint(err), `"b" has the same hash`) {
		t.Errorf("a name with the hash of another one: %v", err)
	}
}
