package cluster

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// lateLimit is the share of late ticks, in percent, beyond which a node makes no further
// matches if another one can.
const lateLimit = 20

// candidate is a node for a new match.
type candidate struct {
	name          string // empty: this node
	late, matches int
}

// Place implements match.Elsewhere. Of two random nodes it takes the less loaded one: the
// least loaded of all would draw the matches of all nodes at the same time.
func (m *Matches) Place() string {
	matches, late := m.registry.Load()
	here := candidate{late: int(late), matches: matches}
	draining := m.n.State() == Draining
	if !m.o.Spread && !draining && here.late <= lateLimit {
		return ""
	}
	var all []candidate
	digest := m.o.Digest()
	for _, p := range m.n.Peers() {
		if p.State == Ready && p.Digest == digest {
			all = append(all, candidate{p.Name, p.LateTicks, p.Matches})
		}
	}
	if m.o.Spread && !draining {
		all = append(all, here)
	}
	if len(all) == 0 {
		return ""
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	best := slices.MinFunc(all[:min(2, len(all))], func(a, b candidate) int {
		return cmp.Or(cmp.Compare(max(a.late, lateLimit), max(b.late, lateLimit)), cmp.Compare(a.matches, b.matches))
	})
	if !draining && best.late > lateLimit && best.late >= here.late {
		return ""
	}
	return best.name
}
