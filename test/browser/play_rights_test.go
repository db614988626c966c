package browser

import (
	"testing"

	"kumi/server/servertest"
)

// TestPlayRights: an operator who may only look sees requests and matches, and no button
// that does something with them.
func TestPlayRights(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Dev(), patient, servertest.Module("index.ts", counter))
	const password = "correct horse battery"
	admin := srv.ConsoleAdmin()
	admin.Add(t, "joe", password, `{"API_EXPLORER":{"read":true},"MATCH":{"read":true}}`)
	admin.Must(t, "PUT", "/request/Start%20it", `{"method":"start","rpc":true}`)
	ann := srv.User(t, "ann")
	made, _ := ann.RPC(t, "start", "")
	id := matchIn(made)
	ann.Socket(t).Call(t, "match_join", `{"match_id":`+quote(id)+`}`)

	o := signIn(t, browser(t), srv, "joe", password)
	o.page(t, "/run")
	o.press(t, "Start it")
	o.shows(t, "Session variables")
	o.lacks(t, "Send", "Save", "Delete")
	o.page(t, "/playground")
	o.shows(t, "You need the right API_EXPLORER:write")
	o.page(t, "/matches/"+id)
	o.shows(t, "ann")
	o.sees(t, shows(".tree", "total 10"))
	o.lacks(t, "Pause", "Change the state", "Kick", "End", "Send")
	o.leave(t)
}

// lacks reports buttons that are there.
func (o *operator) lacks(t *testing.T, buttons ...string) {
	t.Helper()
	for _, text := range buttons {
		if o.read(t, "String([...document.querySelectorAll('button')].some((e) => (e.getAttribute('aria-label') ?? e.textContent).trim() === "+quote(text)+"))") == "true" {
			t.Errorf("there is a button %q", text)
		}
	}
}
