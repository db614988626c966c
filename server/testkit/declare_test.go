package testkit

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/reflect/protoreflect"

	"kumi/vm"
)

// Everything that tests can call is declared, in both languages.
func TestDeclared(t *testing.T) {
	t.Parallel()
	for lang, print := range map[vm.Lang]func() (string, error){vm.JS: TypeScript, vm.Lua: LuaStubs} {
		text, err := print()
		if err != nil {
			t.Fatal(err)
		}
		for _, lib := range []*vm.Library{
			vm.Bind(lang, (*suite)(nil), suiteTable), vm.Bind(lang, (*host)(nil), serverTable), vm.Bind(lang, (*host)(nil), clockTable),
			vm.Bind(lang, (*host)(nil), httpTable), vm.Bind(lang, (*player)(nil), playerTable), vm.Bind(lang, (*expectation)(nil), expectTable()),
		} {
			for _, name := range lib.Names() {
				if !regexp.MustCompile(`(?m)^(declare (function|const)|function|---@field|( *readonly)?)? *` + name + `\b`).MatchString(text) {
					t.Errorf("%s: %s is not declared", lang, name)
				}
			}
		}
	}
}

// The kinds of messages are those of the protocol, and docs/testing.md lists them.
func TestKinds(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := (*rtapi.Envelope)(nil).ProtoReflect().Descriptor().Fields()
	for _, kind := range strings.Fields(kinds) {
		if fields.ByName(protoreflect.Name(kind)) == nil {
			t.Errorf("%s is not in the envelope", kind)
		}
		if !strings.Contains(string(docs), "`"+kind+"`") {
			t.Errorf("%s is not in docs/testing.md", kind)
		}
	}
}

// Durations have days and weeks.
func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"90d": "2160h0m0s", "1w2d3h": "219h0m0s", "1h 30m": "1h30m0s", "250ms": "250ms", "0s": "0s",
		"": "", "d": "", "1y": "", "-1h": "", "1000000d": "", "5": "",
	} {
		d, ok := parseDuration(text)
		if ok != (want != "") || ok && d.String() != want {
			t.Errorf("%q is %v, %v; expected %q", text, d, ok, want)
		}
	}
}
