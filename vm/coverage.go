package vm

import (
	"sync"
	"sync/atomic"
)

// Coverage counts how often the statements of scripts run, for tests of games. Programs
// that are compiled while it is on call Ran before each of their statements; others have
// no trace of it. Its methods may be called from any goroutine.
type Coverage struct {
	mu         sync.RWMutex
	statements []*statement
	programs   int
}

// statement is one statement of a program.
type statement struct {
	program int
	file    string
	line    int
	ran     atomic.Uint64
}

var coverage atomic.Pointer[Coverage]

// StartCoverage begins to count in all programs that are compiled from now on.
func StartCoverage() *Coverage {
	c := &Coverage{}
	coverage.Store(c)
	return c
}

// CoverageOn returns what counts, or nil.
func CoverageOn() *Coverage { return coverage.Load() }

// Program returns a function that adds the statements of one program, which returns the
// number to pass to Ran. Lines count from 1.
func (c *Coverage) Program() func(file string, line int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.programs++
	program := c.programs
	return func(file string, line int) int {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.statements = append(c.statements, &statement{program: program, file: file, line: line})
		return len(c.statements) - 1
	}
}

// Ran counts a statement.
func (c *Coverage) Ran(number int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if number >= 0 && number < len(c.statements) {
		c.statements[number].ran.Add(1)
	}
}

// Lines returns how often each line with statements ran, by file. Of several statements in
// a line it is the one that ran most; a file that is in several programs ran as often as in
// all of them.
func (c *Coverage) Lines() map[string]map[int]uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	type place struct {
		program int
		file    string
		line    int
	}
	most := map[place]uint64{}
	for _, s := range c.statements {
		p := place{s.program, s.file, s.line}
		most[p] = max(most[p], s.ran.Load())
	}
	lines := map[string]map[int]uint64{}
	for p, ran := range most {
		if lines[p.file] == nil {
			lines[p.file] = map[int]uint64{}
		}
		lines[p.file][p.line] += ran
	}
	return lines
}
