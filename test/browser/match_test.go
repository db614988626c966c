package browser

import (
	"testing"

	"kumi/server/servertest"
)

// TestMatch watches an authoritative match while it is played: its ticks, inputs,
// broadcasts and state, which an operator changes; it pauses it and steps through it, and
// sees the error that ends it. Then a relayed match.
func TestMatch(t *testing.T) {
	t.Parallel()
	b := browser(t)
	srv := servertest.Start(t, servertest.Console(), servertest.Dev(), patient, servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("start", (ctx, logger, nk) => nk.matchCreate("counter"));
			initializer.registerMatch("counter", {
				matchInit: () => ({ state: { total: 10, last: "", seen: [] }, tickRate: 20, label: "sums" }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
				matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLoop: (ctx, logger, nk, d, tick, state, messages) => {
					for (const m of messages) {
						const text = nk.binaryToString(m.data);
						if (text === "fail") throw new Error("as asked");
						state.total += Number(text);
						state.last = m.sender.username;
						state.seen.push(text);
						d.broadcastMessage(2, "sum " + state.total);
					}
					return { state };
				},
				matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchSignal: (ctx, logger, nk, d, tick, state, data) => ({ state, data: "got " + data }),
			});
		}`))
	ann, bob := srv.User(t, "ann"), srv.User(t, "bob")
	as, bs := ann.Socket(t), bob.Socket(t)
	id, _ := ann.RPC(t, "start", "")
	as.Call(t, "match_join", `{"match_id":`+quote(id)+`}`)
	bs.Call(t, "match_join", `{"match_id":`+quote(id)+`}`)
	send := func(s *servertest.Socket, base64 string) {
		t.Helper()
		s.Send(t, `{"match_data_send":{"match_id":`+quote(id)+`,"op_code":"1","data":`+quote(base64)+`}}`)
		s.Call(t, "ping", `{}`) // answered when the match has it
	}

	o := signIn(t, b, srv, "admin", "password")
	o.page(t, "/matches")
	o.press(t, id)
	o.shows(t, "counter (javascript)")
	o.shows(t, "ann")
	o.sees(t, shows(".tree", `total 10`))
	o.sees(t, "document.querySelector('.chart canvas')")

	// A message changes the state, which is marked.
	send(as, "MzI=")
	o.sees(t, shows(".tree", `total 42`))
	o.sees(t, "document.querySelector('.tree')?.textContent.includes('\"ann\"')")
	o.picture(t, "match")

	// Paused, tick by tick.
	o.press(t, "Pause")
	o.shows(t, "paused")
	send(bs, "LTI=")
	o.press(t, "Step")
	o.sees(t, marked("changed", `total 40`))
	o.sees(t, marked("changed", `"bob"`))
	o.sees(t, marked("added", `"-2"`))
	o.sees(t, shows(".split", `from bob`))
	o.sees(t, shows(".split", `sum 40`))
	o.picture(t, "match-step")
	o.press(t, "The one before")
	o.sees(t, "!"+shows(".split", "sum 40"))
	o.press(t, "The next one")
	o.sees(t, shows(".split", "sum 40"))
	o.press(t, "The one before")
	o.sees(t, "!"+shows(".split", "sum 40"))
	o.press(t, "Live")
	o.sees(t, shows(".split", `sum 40`))

	// The state is changed by hand.
	o.press(t, "Change the state")
	o.edit(t, `{"total":9007199254740991,"last":"","seen":[]}`)
	o.press(t, "Change it")
	o.shows(t, "The state was changed.")
	o.press(t, "Step")
	o.sees(t, shows(".tree", `total 9007199254740991`))
	o.press(t, "Resume")
	o.shows(t, "running")

	// A signal, a kick, and an error with its line in the source.
	o.fill(t, "Data", "ping")
	o.press(t, "Send")
	o.shows(t, "got ping")
	o.press(t, "Kick")
	o.press(t, "Kick")
	o.shows(t, "has left the match.")
	o.narrow(t, "match-narrow")
	for _, s := range []*servertest.Socket{as, bs} {
		send(s, "ZmFpbA==") // one of them was kicked
	}
	o.shows(t, "ended")
	o.sees(t, shows("pre.problem", "as asked"))
	o.sees(t, shows("pre.problem", "index.ts:"))
	o.picture(t, "match-failed")

	// A relayed match: what players send each other.
	cs, ds := srv.User(t, "cat").Socket(t), srv.User(t, "dan").Socket(t)
	relayed := cs.Call(t, "match_create", "{}").Field("match", "match_id")
	ds.Call(t, "match_join", `{"match_id":`+quote(relayed)+`}`)
	o.page(t, "/matches/"+relayed)
	o.shows(t, "relayed")
	o.shows(t, "dan")
	cs.Send(t, `{"match_data_send":{"match_id":`+quote(relayed)+`,"op_code":"5","data":"aGk="}}`)
	o.sees(t, shows(".split", `from cat`))
	o.picture(t, "match-relayed")
	o.leave(t)
}

// marked is an expression that is true when a value of the state is marked as changed.
func marked(change, text string) string {
	return "[...document.querySelectorAll('.tree ." + change + "')].some((e) => e.textContent.includes(" + quote(text) + "))"
}
