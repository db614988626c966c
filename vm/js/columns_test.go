package js

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kumi/vm"
)

// Stacks in scripts and logs have the same position, in the original source.
func TestColumnsOfSourceMaps(t *testing.T) {
	t.Parallel()
	// Line 1 of out.js is line 3 of in.ts, from the second column on.
	const mapping = `{"version":3,"sources":["in.ts"],"names":[],"mappings":"AAEC;AACA"}`
	source := "function f() { return new Error('x').stack } function g() { throw new Error('y') }\n;\n" + mapComment + "data:application/json;base64," + base64.StdEncoding.EncodeToString([]byte(mapping)) + "\n"
	p, err := Compile("out.js", source)
	if err != nil {
		t.Fatal(err)
	}
	v, err := New(context.Background(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	out, err := v.Invoke(context.Background(), v.Global("f"))
	if err != nil || !strings.Contains(v.Str(out[0]), "in.ts:3:2") {
		t.Errorf("the stack in the script is %q, %v", v.Str(out[0]), err)
	}
	_, err = v.Invoke(context.Background(), v.Global("g"))
	if se, ok := err.(*vm.ScriptError); !ok || !strings.Contains(se.Stack, "in.ts:3:2") {
		t.Errorf("the stack for the log is %v", err)
	}
}

func TestNumbersOfSourceMaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(-1<<30, 1<<30).Draw(t, "n")
		text := writeVLQ(n)
		if got, next := readVLQ("A"+text+"C", 1); got != n || next != 1+len(text) {
			t.Fatalf("%d became %s and %d (to %d)", n, text, got, next)
		}
	})
	for _, text := range []string{"", "{}", "[]", `{"mappings":5}`, `{"mappings":";;,A,"}`, `{"mappings":"!!!!"}`} {
		_ = moveColumns([]byte(text))
	}
}
