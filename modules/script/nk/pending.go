package nk

import (
	"strings"
	"unicode"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

// pending makes a function whose operation this version does not have. It fails with
// the same error as in Go modules. It is Live, because there is nothing to record.
func pending(goName string, name vm.Name, alias ...vm.Name) vm.Func[*core.Module] {
	return vm.Func[*core.Module]{Name: name, Alias: alias, Live: true, Body: func(*core.Module, *vm.Call) error {
		return fault.Newf(fault.Unimplemented, "%s is not available in this version of the server", goName)
	}}
}

// pendingTable has every function of core.Pending.
var pendingTable = func() (table []vm.Func[*core.Module]) {
	for _, goName := range core.Pending {
		name, ok := pendingNames[goName]
		if !ok {
			name.Name = vm.N(snake(goName))
		}
		table = append(table, pending(goName, name.Name, name.alias...))
	}
	return table
}()

// pendingNames are the names that do not follow from those in Go.
var pendingNames = map[string]struct {
	vm.Name
	alias []vm.Name
}{
	"LinkGameCenter":   {Name: vm.NameAs("link_gamecenter", "linkGameCenter")},
	"UnlinkGameCenter": {Name: vm.NameAs("unlink_gamecenter", "unlinkGameCenter")},
}

// snake converts the name of a Go method to snake case.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) {
			if i > 0 {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
