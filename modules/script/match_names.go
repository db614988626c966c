package script

import (
	"kumi/modules/registry"
	"kumi/vm"
)

// The functions of a match handler, by index. Those from matchReload on are optional.
const (
	matchInit = iota
	matchJoinAttempt
	matchJoin
	matchLeave
	matchLoop
	matchTerminate
	matchSignal
	matchReload
	matchSnapshot
	matchRestore
	matchRestored
)

// OptionalMatchFunction tells whether a match handler may lack a function.
func OptionalMatchFunction(i int) bool { return i >= matchReload }

// MatchFunctions are the names of the functions of a match handler.
var MatchFunctions = [...]vm.Name{
	vm.N("match_init"), vm.N("match_join_attempt"), vm.N("match_join"), vm.N("match_leave"),
	vm.N("match_loop"), vm.N("match_terminate"), vm.N("match_signal"), vm.N("match_reload"),
	vm.N("match_snapshot"), vm.N("match_restore"), vm.N("match_restored"),
}

// matchKey returns the registration key of a handler's function: match:<name>:init and
// so on.
func matchKey(name string, i int) string {
	return string(registry.Match) + ":" + name + ":" + MatchFunctions[i].Snake[len("match_"):]
}
