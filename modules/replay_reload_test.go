package modules

import (
	"context"
	"strings"
	"testing"
	"time"

	"kumi/match"
)

// A match that moved to reloaded code is replayed on that code: from the state with which it
// came.
func TestReplayAfterReload(t *testing.T) {
	t.Parallel()
	const old = `
const M: any = {
	matchInit: () => ({ state: { n: 0, rolls: [] }, tickRate: 10, label: "" }),
	matchJoinAttempt: (ctx, l, nk, d, tick, state) => ({ state, accept: true }),
	matchJoin: (ctx, l, nk, d, tick, state) => ({ state }), matchLeave: (ctx, l, nk, d, tick, state) => ({ state }),
	matchLoop: (ctx, l, nk, d, tick, state) => { state.n += 1; state.rolls.push(Math.random()); d.broadcastMessage(1, String(state.n)); return { state }; },
	matchTerminate: (ctx, l, nk, d, tick, state) => ({ state }), matchSignal: (ctx, l, nk, d, tick, state, data) => ({ state, data }),
};
const InitModule: any = (ctx, l, nk, i) => { i.registerMatch("moves", M); };
`
	w := newRecordingServer(t, map[string]string{"index.ts": old}, nil)
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	m := w.stepped(t, "moves", nil)
	id := m.id
	m.step()
	m.step()
	w.write(t, "index.ts", strings.Replace(old, "state.n += 1", "state.n += 10", 1))
	w.reload(t)
	w.matches.Swap(context.Background())
	m.step()
	m.step()
	_ = w.matches.End(context.Background(), id, 0)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if got, err := w.matches.Get(context.Background(), id); err != nil || got == nil {
			break
		}
	}
	rec := w.recordings(t)[0]
	if len(rec.Segments) != 2 || rec.Segments[1].State == nil {
		t.Fatalf("%d segments, want one for each code", len(rec.Segments))
	}
	_, differences := w.replay(t, rec)
	if len(differences) == 0 {
		t.Error("the part of the old code is the same on the new code")
	}
	rec.First, rec.Segments = false, rec.Segments[1:]
	steps, differences := w.replay(t, &match.Recording{Header: rec.Header, Birth: rec.Birth, Segments: rec.Segments})
	if len(differences) > 0 || steps < 2 {
		t.Errorf("the part of the new code, %d calls: %s", steps, strings.Join(differences, "\n"))
	}
}
