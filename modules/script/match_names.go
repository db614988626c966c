package script

import "kumi/vm"

// The seven functions of a match handler, by position.
const (
	matchInit = iota
	matchJoinAttempt
	matchJoin
	matchLeave
	matchLoop
	matchTerminate
	matchSignal
)

var matchFunctions = [...]vm.Name{
	vm.N("match_init"), vm.N("match_join_attempt"), vm.N("match_join"), vm.N("match_leave"),
	vm.N("match_loop"), vm.N("match_terminate"), vm.N("match_signal"),
}

// matchKey is the key of a handler's function: match:<name>:init and so on.
func matchKey(name string, i int) string {
	return string(Match) + ":" + name + ":" + matchFunctions[i].Snake[len("match_"):]
}
