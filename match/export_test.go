package match

// RunTick runs a tick of a match that is paused, on the caller's goroutine. Only tests that
// measure need it.
func (r *Registry) RunTick(id string, input []*Data) {
	matchID, node, _ := ParseID(id)
	m := r.find(matchID, node)
	m.loop(input, 0, 0)
	m.flushSessions()
}
