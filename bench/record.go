package main

import (
	"context"
	"fmt"
)

// record compares the CPU time of a match's tick while all matches are recorded with that
// while none is. Both are measured in turn, and the least of each counts, since other
// programs can only add to it.
func record(ctx context.Context, t *tabler) ([][]float64, error) {
	var out []float64
	for _, language := range []string{"js", "lua", "go"} {
		least := map[string]float64{}
		for range t.rounds {
			for _, mode := range []string{"off", "error"} {
				cost, err := t.recorded(ctx, language, mode)
				if err != nil {
					return nil, err
				}
				if least[mode] == 0 || cost < least[mode] {
					least[mode] = cost
				}
			}
		}
		out = append(out, least["error"]/least["off"])
	}
	return [][]float64{out}, nil
}

// recorded returns the CPU time of a tick with a mode of match.record.
func (t *tabler) recorded(ctx context.Context, language, mode string) (float64, error) {
	s, err := t.start(ctx, "--match.record "+mode, "")
	if err != nil {
		return 0, err
	}
	defer s.stop()
	r, err := t.run(ctx, s, job{bench: "match --rounds 1 --rpc create_match_" + language})
	if err != nil {
		return 0, err
	}
	got := r.find("", "server")
	if got == nil {
		return 0, fmt.Errorf("match.record %s: the server's CPU time is unknown", mode)
	}
	return got.CPU, nil
}
