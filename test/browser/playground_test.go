package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kumi/server/servertest"
)

// counter is a match that adds up what it is sent and tells everybody the sum.
const counter = `
	export function InitModule(ctx, logger, nk, initializer) {
		initializer.registerRpc("start", (ctx, logger, nk) => JSON.stringify({ match_id: nk.matchCreate("counter") }));
		initializer.registerMatch("counter", {
			matchInit: () => ({ state: { total: 10, last: "" }, tickRate: 20, label: "sums" }),
			matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
			matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
			matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
			matchLoop: (ctx, logger, nk, d, tick, state, messages) => {
				for (const m of messages) {
					state.total += Number(nk.binaryToString(m.data));
					state.last = m.sender.username;
					d.broadcastMessage(2, "sum " + state.total);
				}
				return { state };
			},
			matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
			matchSignal: (ctx, logger, nk, d, tick, state, data) => ({ state, data: "got " + data }),
		});
	}`

// matchIn is the match id in what the RPC of counter returns.
func matchIn(payload string) string {
	var made struct {
		ID string `json:"match_id"`
	}
	_ = json.Unmarshal([]byte(payload), &made) // a bad one has no id
	return made.ID
}

// deed lets a player of the playground do something: it chooses an action, fills in the
// fields of its form, given as pairs of a label and a value, and presses the button.
func (o *operator) deed(t *testing.T, player int, action string, fields ...string) {
	t.Helper()
	card := fmt.Sprintf("document.querySelectorAll('.cards > .card')[%d]", player-1)
	set := func(element, value string) {
		t.Helper()
		o.sees(t, fmt.Sprintf(`(() => {
			const e = %s;
			if (!e || e.disabled) return false;
			const value = e.tagName === 'SELECT' ? [...e.options].find((o) => o.textContent === %[2]s)?.value : %[2]s;
			if (value === undefined) return false;
			if (e.type === 'checkbox') return e.checked === (value === 'true') || (e.click(), true);
			Object.getOwnPropertyDescriptor(Object.getPrototypeOf(e), 'value').set.call(e, value);
			e.dispatchEvent(new Event(e.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }));
			return true;
		})()`, element, quote(value)))
	}
	set(card+"?.querySelector('label select')", action)
	for i := 0; i < len(fields); i += 2 {
		set(fmt.Sprintf("([...%s.querySelectorAll('form label')].find((e) => e.textContent.startsWith(%s) || e.lastElementChild.textContent === %[2]s)?.querySelector('input, select, textarea') ?? %[1]s.querySelector('form [aria-label=' + JSON.stringify(%[2]s) + ']'))", card, quote(fields[i])), fields[i+1])
	}
	o.sees(t, fmt.Sprintf(`(() => {
		const e = %s.querySelector('form .buttons:last-child .primary');
		if (!e || e.disabled || %[1]s.querySelector('label select').selectedOptions[0].textContent !== %s) return false;
		e.click();
		return true;
	})()`, card, quote(action)))
}

// place waits until a player's card shows where it is.
func (o *operator) place(t *testing.T, player int, text string) {
	t.Helper()
	o.sees(t, fmt.Sprintf("document.querySelectorAll('.cards > .card')[%d]?.querySelector('.places').textContent.includes(%s)", player-1, quote(text)))
}

// entry waits for a row of the time line with texts in it.
func (o *operator) entry(t *testing.T, texts ...string) {
	t.Helper()
	list := "true"
	for _, text := range texts {
		list += " && e.textContent.includes(" + quote(text) + ")"
	}
	o.sees(t, "[...document.querySelectorAll('.rows .row')].some((e) => "+list+")")
}

// TestPlayground plays with made-up players: a relayed match, an authoritative one, chat,
// a party and the matchmaker. What one of them did is then done again by a program in
// JavaScript that the page wrote.
func TestPlayground(t *testing.T) {
	t.Parallel()
	b := browser(t)
	srv := servertest.Start(t, servertest.Console(), servertest.Flags("--matchmaker.interval_sec", "1"), servertest.Module("index.ts", counter))
	o := signIn(t, b, srv, "admin", "password")
	o.page(t, "/playground")
	o.picture(t, "playground-empty")

	// A relayed match.
	o.press(t, "Two players in a match")
	o.place(t, 1, "(2)")
	o.place(t, 2, "(2)")
	o.deed(t, 1, "Send data to a match", "Op code", "7", "Payload", `{"n":9007199254740993}`)
	o.entry(t, "match_data", "received", `7: {"n":9007199254740993}`, " 2")
	o.deed(t, 2, "Send data to a match", "Op code", "8", "Format of the payload", "Hex", "Payload", "00 ff")
	o.entry(t, "match_data", "received", "8: 00 ff", " 1")
	o.picture(t, "playground")
	o.deed(t, 1, "Leave a match")
	o.place(t, 2, "(1)")
	o.deed(t, 2, "Leave a match")

	// An authoritative match, made by an RPC; the other player finds it in the list.
	o.deed(t, 1, "Call an RPC", "Function", "start")
	o.place(t, 1, "(1)")
	o.deed(t, 2, "List matches", "Label", "sums")
	o.entry(t, "ListMatches", "received", "sums")
	o.deed(t, 2, "Join a match")
	o.place(t, 1, "(2)")
	o.deed(t, 2, "Send data to a match", "Format of the payload", "Text", "Op code", "1", "Payload", "32")
	o.entry(t, "match_data", "received", "2: sum 42", " 1")
	o.entry(t, "match_data", "received", "2: sum 42", " 2")

	// Chat, status, a party.
	o.deed(t, 1, "Join a channel")
	o.place(t, 1, "lobby")
	o.deed(t, 2, "Join a channel")
	o.place(t, 2, "lobby")
	o.deed(t, 2, "Say something", "Text, or a JSON object", hostile)
	o.entry(t, "channel_message", "received", "onerror", " 1")
	o.deed(t, 1, "Follow somebody")
	o.deed(t, 2, "Set the status", "Status", "in the mood")
	o.place(t, 2, "in the mood")
	o.deed(t, 1, "Create a party", "Open to all", "false")
	o.place(t, 1, "leads a party")
	o.deed(t, 2, "Join a party")
	o.place(t, 1, "1 waiting")
	o.deed(t, 1, "Let somebody in")
	o.place(t, 1, "(2)")
	o.deed(t, 2, "Send data to the party", "Op code", "3", "Payload", `"hi"`)
	o.entry(t, "party_data", "received", `3: "hi"`, " 1")
	o.deed(t, 1, "Close the party")

	// Two more players, whom the matchmaker puts together.
	o.press(t, "Add a player")
	o.sees(t, "document.querySelectorAll('.cards > .card').length === 3")
	o.press(t, "Add a player")
	o.press(t, "Connect all")
	for _, player := range []int{3, 4} {
		o.deed(t, player, "Look for players", "Texts, as a JSON object", `{"mode":"duel"}`, "Query", "+properties.mode:duel")
	}
	for _, player := range []int{3, 4} {
		o.sees(t, fmt.Sprintf(`(() => { const e = document.querySelectorAll('.cards > .card')[%d].querySelector('.places .primary'); e?.click(); return !!e; })()`, player-1))
	}
	o.place(t, 3, "(2)")

	// A bad connection; one that is lost.
	o.press(t, "Link")
	o.fill(t, "Latency in milliseconds", "5")
	o.fill(t, "Loss in percent", "100")
	o.press(t, "Apply")
	o.shows(t, "5 ms")
	o.deed(t, 1, "Send data to a match", "Payload", `"lost"`)
	o.entry(t, "match_data_send", "lost")
	o.press(t, "Drop")
	o.place(t, 2, "(1)")
	o.press(t, "Connect")
	o.entry(t, "connected", " 1")
	o.entry(t, "channel_presence_event", "received", " 2")

	// The details of a message.
	o.do(t, "open the newest message", evaluate("document.querySelector('.rows .row').click()"))
	o.shows(t, "Message")
	o.picture(t, "playground-message")
	o.press(t, "Close")
	o.narrow(t, "playground-narrow")

	// What players did as programs; two of them find each other again.
	programs := []string{o.program(t, 3), o.program(t, 4)}
	o.code(t, 2)
	o.fill(t, "SDK", "csharp")
	o.sees(t, shows("pre.code", "var match1 = await socket.JoinMatchAsync(matchId1);"))
	o.sees(t, shows("pre.code", "await socket.SendMatchStateAsync(match1.Id, 8, new byte[] { 0, 255 });"))
	o.fill(t, "SDK", "gdscript")
	o.sees(t, shows("pre.code", "var match1 = await socket.join_match_async(match_id1)"))
	o.sees(t, shows("pre.code", "await socket.send_match_state_raw_async(match1.match_id, 8, PackedByteArray([0, 255]))"))
	o.picture(t, "playground-code")
	o.do(t, "keep files", evaluate(keepFiles))
	o.do(t, "keep copies", evaluate(keepCopies))
	o.press(t, "Copy")
	o.sees(t, "window.copied?.includes('match_id1')")
	o.press(t, "Save as a file")
	o.keeps(t, "match_id1")
	o.press(t, "Close")
	run(t, srv, programs)
	o.putAway(t)
	o.leave(t)
}

// putAway keeps a payload and forgets it, filters the time line, and gives up the players.
func (o *operator) putAway(t *testing.T) {
	t.Helper()
	const kept = `[...document.querySelectorAll('[aria-label="Saved payloads"] option')].some((e) => e.textContent.includes('lost'))`
	o.press(t, "Save")
	o.sees(t, kept)
	o.press(t, "Forget the payload")
	o.sees(t, "!"+kept)
	o.fill(t, "Way", "lost")
	o.sees(t, "[...document.querySelectorAll('.rows .row')].every((e) => e.textContent.includes('lost'))")
	o.fill(t, "Player", "2")
	o.shows(t, "Nothing was sent or received.")
	o.page(t, "/playground")
	o.fill(t, "Message or content", "party_data")
	o.sees(t, "location.hash.includes('text=') && [...document.querySelectorAll('.rows .row')].every((e) => e.textContent.includes('party_data'))")
	o.press(t, "Hold")
	o.sees(t, "!!document.querySelector('[aria-pressed=true]')")
	o.press(t, "Clear")
	o.shows(t, "Nothing was sent or received.")
	o.press(t, "Leave channel lobby")
	o.sees(t, "!document.querySelector('[aria-label=\"Leave channel lobby\"]')")
	o.press(t, "Account")
	o.fill(t, "Signs in with", "device")
	o.fill(t, "Id", "a-device-of-its-own")
	o.fill(t, "Username", "rival")
	o.press(t, "Use it")
	o.sees(t, "document.querySelector('.cards > .card h2').textContent.includes('rival')")
	o.press(t, "Connect")
	o.sees(t, "document.querySelector('.cards > .card .badge').textContent === 'online'")
	o.press(t, "Remove the player")
	o.sees(t, "document.querySelectorAll('.cards > .card').length === 3")
}

// code opens what a player did as code.
func (o *operator) code(t *testing.T, player int) {
	t.Helper()
	o.sees(t, fmt.Sprintf(`(() => {
		const e = [...document.querySelectorAll('.cards > .card')[%d].querySelectorAll('button')].find((e) => e.textContent.trim() === 'Code');
		e?.click();
		return !!e;
	})()`, player-1))
	o.shows(t, "nakama-js")
}

// program is what a player did in JavaScript.
func (o *operator) program(t *testing.T, player int) string {
	t.Helper()
	o.code(t, player)
	text := o.read(t, "document.querySelector('pre.code').textContent")
	o.press(t, "Close")
	o.sees(t, "!document.querySelector('dialog')")
	return text
}

// run runs programs at the same time, with the published client.
func run(t *testing.T, srv *servertest.Server, programs []string) {
	t.Helper()
	dir := servertest.NodePackages(t)
	at, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	var all sync.WaitGroup
	for i, program := range programs {
		program = "import WebSocket from 'ws'; globalThis.WebSocket ??= WebSocket;\n" +
			strings.Replace(program, `"7350"`, quote(at.Port()), 1) + "process.exit(0);\n"
		name := filepath.Join(dir, fmt.Sprintf("player%d.mjs", i))
		if err := os.WriteFile(name, []byte(program), 0o644); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			cmd := exec.CommandContext(ctx, "node", name)
			cmd.WaitDelay = time.Second
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("run a program: %v\n%s\nThe program is\n%s", err, out, program)
			}
		})
	}
	all.Wait()
}

// narrow takes a picture of the page as a phone shows it. Nothing may be wider than that.
func (o *operator) narrow(t *testing.T, name string) {
	t.Helper()
	o.do(t, "be a phone", chromedp.EmulateViewport(390, 800))
	o.sees(t, "document.querySelector('#content').scrollWidth <= 390 && document.documentElement.scrollWidth <= 390")
	o.picture(t, name)
	o.do(t, "be a desk", chromedp.EmulateViewport(1280, 800))
}
