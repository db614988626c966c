package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kumi/modules/source"
)

// watchEvery is how often the folder is read for changes.
const watchEvery = 300 * time.Millisecond

// watchTests runs all tests, and again those that a change concerns, until ctx ends: a
// changed test file, or all of them after another file has changed.
func watchTests(ctx context.Context, o testOptions, s streams) int {
	modules, tests := source.Sums(o.folder), source.TestSums(o.folder)
	files := slices.Sorted(maps.Keys(tests))
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if len(files) > 0 {
			runAndReport(ctx, o, files, s)
		}
		if ctx.Err() == nil {
			fmt.Fprintf(s.out, "waiting for a change in %s\n", o.folder)
		}
		for files = nil; len(files) == 0; {
			select {
			case <-ctx.Done():
				return exitOK
			case <-tick.C:
			}
			nowModules, nowTests := source.Sums(o.folder), source.TestSums(o.folder)
			if len(source.Changed(modules, nowModules)) > 0 {
				files = slices.Sorted(maps.Keys(nowTests))
			} else {
				for _, file := range source.Changed(tests, nowTests) {
					if _, exists := nowTests[file]; exists {
						files = append(files, file)
					}
				}
			}
			modules, tests = nowModules, nowTests
		}
	}
}
