package server_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"kumi/internal/testutil"
	"kumi/server/servertest"
)

// Connections that are opened, used and closed in all ways leave nothing behind: no
// session, presence, party, ticket, connection or goroutine, and no memory. KUMI_CHURN says how many come in each of six rounds: 10000 is a test
// of some minutes.
func TestChurnLeavesNothing(t *testing.T) { // alone, as it counts goroutines and weighs the heap
	each := 200
	if n, err := strconv.Atoi(os.Getenv("KUMI_CHURN")); err == nil && n > 0 {
		each = n
	}
	const rounds = 6
	srv := servertest.Start(t, servertest.Module("index.js", "function InitModule(ctx, logger, nk, initializer) {"+everywhere+"}"),
		// Script engines that are made later would count, and tickets that are gone
		// are held until the matchmaker's next pass.
		servertest.Flags("--runtime.js_min_count", "4", "--runtime.js_max_count", "4", "--matchmaker.interval_sec", "1"))
	in := srv.Game()
	// Few users with many sockets each: tokens are remembered, which is no leak.
	var users []*servertest.User
	for i := range 4 {
		users = append(users, srv.User(t, fmt.Sprint("user", i)))
	}
	arena, a := srv.RPC(t, "start", "")
	if a.Status != 200 {
		t.Fatalf("start: %s", a.Body)
	}

	// visit is the life of one connection.
	visit := func(rng *rand.Rand) error {
		r, err := srv.Raw(users[rng.IntN(len(users))].Token, "&status=true")
		if err != nil {
			return err
		}
		defer r.Cut()
		_, _, err = joinRoom(r, rng.IntN(8) > 0) // hidden, mostly: all are told of the others
		if err != nil {
			return err
		}
		for _, send := range []string{
			`{"rpc":{"id":"stream"}}`, `{"match_create":{}}`, `{"match_join":{"match_id":"` + arena + `"}}`,
			`{"party_create":{"max_size":3}}`, `{"matchmaker_add":{"min_count":2,"max_count":2,"query":"+properties.none:such"}}`,
			`{"status_follow":{"user_ids":["` + users[0].ID + `"]}}`,
		} {
			if err := r.Send(send); err != nil {
				return err
			}
		}
		how := rng.IntN(6)
		if how > 1 { // the first two go while all that is on its way
			if err := r.Send(`{"cid":"all","ping":{}}`); err != nil {
				return err
			}
			if _, err := r.Until(`{"cid":"all"`); err != nil {
				return err
			}
		}
		switch how {
		case 0, 2:
			err = r.SendPart(`{"cid":"x","channel_join":{"target":"cellar","type":1}}`, rng.IntN(100))
		case 3:
			err = r.Close()
		case 4:
			r.HangUp()
		case 5:
			err = r.Send("{")
		}
		return err
	}
	round := func(seed uint64) {
		t.Helper()
		var all sync.WaitGroup
		failed := make(chan error, 1)
		const atOnce = 100
		for worker := range atOnce {
			rng := rand.New(rand.NewPCG(seed, uint64(worker)))
			all.Go(func() {
				for i := worker; i < each; i += atOnce {
					if err := visit(rng); err != nil {
						select {
						case failed <- err:
						default:
						}
					}
				}
			})
		}
		all.Wait()
		select {
		case err := <-failed:
			t.Fatal(err)
		default:
		}
		testutil.Eventually(t, "all are gone", func() bool {
			return srv.OpenSockets() == 0 && in.Sessions.Count() == 0 && in.Tracker.Total() == 0 && in.Parties.Count() == 0 && in.Matchmaker.Stats().Tickets == 0
		})
		testutil.Eventually(t, "their match is empty", func() bool {
			members, _, _, err := in.Matches.State(t.Context(), arena)
			return err == nil && len(members) == 0
		})
	}

	round(0) // what is made once is made now
	goroutines, heap := busy(), weigh()
	for n := range rounds - 1 {
		round(uint64(n + 1))
	}
	testutil.Eventually(t, "no goroutine is left", func() bool { return busy() <= goroutines })
	const most = 512 // bytes for each connection that was
	var grown int64
	testutil.Eventually(t, "the heap is as small as it was", func() bool {
		grown = weigh() - heap
		return grown <= int64(most*each*(rounds-1))
	})
	t.Logf("the heap grew by %d bytes with %d connections", grown, each*(rounds-1))
}

// busy is the number of goroutines without those that wait for work, of which
// some are kept.
func busy() (n int) {
	stacks := make([]byte, 1<<20)
	for {
		size := runtime.Stack(stacks, true)
		if size < len(stacks) {
			stacks = stacks[:size]
			break
		}
		stacks = make([]byte, 2*len(stacks))
	}
	for stack := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		if !bytes.Contains(stack, []byte("actor.(*Pool).work(")) {
			n++
		}
	}
	return n
}

// weigh is the heap without garbage.
func weigh() int64 {
	for range 3 { // what finalizers and pools hold goes last
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
