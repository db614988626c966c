package script

import (
	"kumi/modules/registry"
	"kumi/vm"
)

// The functions of a match handler, by index. All are required but the last, which
// takes over the state of a running match after a reload.
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

// matchKey returns the registration key of a handler's function: match:<name>:init and
// so on.
func matchKey(name string, i int) string {
	return string(registry.Match) + ":" + name + ":" + MatchFunctions[i].Snake[len("match_"):]
}
