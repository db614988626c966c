package server

import (
	"github.com/rs/zerolog"

	"kumi/vm"
)

// heapLimit logs that all script VMs were replaced because the live heap exceeded
// runtime.max_heap_mb.
func (s *Server) heapLimit(r vm.HeapReport) {
	ev := s.log.Warn().Uint64("limit_mb", r.Limit>>20).Uint64("before_mb", r.Before>>20).Uint64("after_mb", r.After>>20)
	functions, matches := zerolog.Arr(), zerolog.Arr()
	for _, u := range r.Functions {
		functions.Object(allocator(u))
	}
	ev.Array("functions", functions)
	if r.CameBack {
		ev.Msg("heap exceeded runtime.max_heap_mb and shrank after all script VMs were replaced; functions lists the largest recent allocators")
		return
	}
	for _, u := range r.Matches {
		matches.Object(allocator(u))
	}
	ev.Array("matches", matches).
		Msg("heap exceeded runtime.max_heap_mb and did not shrink after all script VMs were replaced; matches lists those that may hold the memory, by what was allocated while they ran recently")
}

// allocator is a function or match in the log.
type allocator vm.Used

// MarshalZerologObject implements zerolog.LogObjectMarshaler.
func (a allocator) MarshalZerologObject(e *zerolog.Event) {
	e.Str("function", a.Name).Str("module", a.Module)
	if a.Match != "" {
		e.Str("match_id", a.Match)
	}
	e.Uint64("allocated_mb", a.Allocated>>20).Dur("time_ms", a.Time).Uint64("calls", a.Calls.Load())
	if n := a.ResultBytes.Load(); n > 0 {
		e.Uint64("result_mb", n>>20)
	}
}
