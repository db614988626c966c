package recent_test

import (
	"slices"
	"testing"

	"kumi/internal/recent"
)

func TestListKeepsTheLastEntries(t *testing.T) {
	t.Parallel()
	l := recent.NewList[string](3, 0, nil)
	for _, text := range []string{"a", "b", "c", "d"} {
		l.Add(text)
	}
	got, next, missed := l.Since(0, 10)
	if !slices.Equal(got, []string{"b", "c", "d"}) || next != 4 || missed != 1 {
		t.Errorf("got %v, %d, %d missed", got, next, missed)
	}
	if got, next, missed = l.Since(2, 1); !slices.Equal(got, []string{"c"}) || next != 3 || missed != 0 {
		t.Errorf("one of them: %v, %d, %d missed", got, next, missed)
	}
	if got, next := l.Last(2); !slices.Equal(got, []string{"c", "d"}) || next != 4 {
		t.Errorf("the last two: %v, %d", got, next)
	}
	woken := 0
	stop := l.Follow(func() { woken++ })
	l.Add("e")
	stop()
	l.Add("f")
	if woken != 1 {
		t.Errorf("woken %d times", woken)
	}
}

func TestListIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	l := recent.NewList(100, 10, func(s string) int { return len(s) })
	for _, text := range []string{"1234", "5678", "90", "12345"} {
		l.Add(text)
	}
	if got, _, missed := l.Since(0, 100); !slices.Equal(got, []string{"90", "12345"}) || missed != 2 {
		t.Errorf("got %v, %d missed", got, missed)
	}
	l.Add("larger than all of it")
	if got, _, _ := l.Since(0, 100); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}
