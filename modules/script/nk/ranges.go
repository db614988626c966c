package nk

import (
	"fmt"

	"kumi/vm"
)

// optInRange reads an optional number from min to max.
func optInRange(c *vm.Call, name string, fallback, min, max int64) int {
	n := c.OptInt(name, fallback)
	if n < min || n > max {
		c.Invalid(name, fmt.Sprintf("expected a number from %d to %d", min, max))
	}
	return int(n)
}

// pageLimit reads the limit of a page, from 1 to max. The default is 100.
func pageLimit(c *vm.Call, max int64) int { return optInRange(c, "limit", 100, 1, max) }

// edgeState reads the state of a friendship or membership, from 0 to max. It returns
// nil for any state: the argument is absent or -1.
func edgeState(c *vm.Call, max int64) *int {
	state := int(c.OptInt("state", -1))
	if state == -1 {
		return nil
	}
	if state < 0 || int64(state) > max {
		c.Invalid("state", fmt.Sprintf("expected a state from 0 to %d", max))
	}
	return &state
}
