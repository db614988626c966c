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
func pending(goName string, name vm.Name) vm.Func[*core.Module] {
	return vm.Func[*core.Module]{Name: name, Live: true, Body: func(*core.Module, *vm.Call) error {
		return fault.Newf(fault.Unimplemented, "%s is not available in this version of the server", goName)
	}}
}

// pendingTable has every function of core.Pending.
var pendingTable = func() (table []vm.Func[*core.Module]) {
	for _, goName := range core.Pending {
		table = append(table, pending(goName, vm.N(snake(goName))))
	}
	return table
}()

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
