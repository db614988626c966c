package script

import (
	"kumi/modules/registry"
	"kumi/vm"
)

// The functions of a match handler, by position. All are required but the last,
// which takes over a running match's state when the modules are loaded anew.
const (
	matchInit = iota
	matchJoinAttempt
	matchJoin
	matchLeave
	matchLoop
	matchTerminate
	matchSignal
	MatchReload // optional
)

// MatchFunctions are the names of the functions of a match handler.
var MatchFunctions = [...]vm.Name{
	vm.N("match_init"), vm.N("match_join_attempt"), vm.N("match_join"), vm.N("match_leave"),
	vm.N("match_loop"), vm.N("match_terminate"), vm.N("match_signal"), vm.N("match_reload"),
}

// matchKey is the key of a handler's function: match:<name>:init and so on.
func matchKey(name string, i int) string {
	return string(registry.Match) + ":" + name + ":" + MatchFunctions[i].Snake[len("match_"):]
}
