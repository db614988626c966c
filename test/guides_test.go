package test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// The examples of the guides for scripts do what the guides say.
func TestGuidesPlayed(t *testing.T) {
	t.Parallel()
	for _, guide := range []string{"typescript", "lua"} {
		t.Run(guide, func(t *testing.T) {
			t.Parallel()
			// How a match is made the guides say without showing it.
			files := []servertest.Option{servertest.Module("start.lua", `local nk = require("nakama")
				nk.register_rpc(function() return nk.match_create("duel", {}) end, "start")`)}
			for name, source := range servertest.Examples(t, filepath.Join("../docs", guide+".md")) {
				files = append(files, servertest.Module(name, source))
			}
			srv := servertest.Start(t, files...)
			ann := srv.User(t, "ann")

			for _, want := range []string{`"points":5`, `"points":10`} {
				if got, a := ann.RPC(t, "score_add", "5"); !strings.Contains(got, want) {
					t.Errorf("score_add: %q in %d %s", got, a.Status, a.Body)
				}
			}
			if _, a := ann.RPC(t, "score_add", "many"); a.Status != http.StatusBadRequest {
				t.Errorf("score_add of what is no number: %d %s", a.Status, a.Body)
			}
			if _, a := srv.RPC(t, "score_add", "5"); a.Status != http.StatusForbidden {
				t.Errorf("score_add of nobody: %d %s", a.Status, a.Body)
			}
			if a := ann.Do(t, http.MethodPut, "/v2/account", `{"location":"Bern","display_name":"Ann"}`); a.Status != http.StatusOK {
				t.Errorf("an update of an account: %d %s", a.Status, a.Body)
			}
			socket := ann.Socket(t)
			channel := socket.Call(t, "channel_join", `{"type":1,"target":"room"}`).Field("channel", "id")
			sent := fmt.Sprintf(`{"channel_id":%q,"content":"{\"text\":\"darn\"}"}`, channel)
			if ack := socket.Call(t, "channel_message_send", sent); ack.Field("channel_message_ack", "message_id") == "" {
				t.Errorf("a message was not taken: %v", ack)
			}

			match, a := ann.RPC(t, "start", "")
			if match == "" {
				t.Fatalf("start: %d %s", a.Status, a.Body)
			}
			socket.Call(t, "match_join", fmt.Sprintf(`{"match_id":%q}`, match))
			socket.Send(t, fmt.Sprintf(`{"match_data_send":{"match_id":%q,"op_code":"1","data":"aGl0"}}`, match))
			socket.Expect(t, "match_data")

			if guide == "typescript" {
				for _, name := range []string{"ping", "pong"} {
					if got, a := ann.RPC(t, name, ""); got != name {
						t.Errorf("%s: %q in %d %s", name, got, a.Status, a.Body)
					}
				}
				if got, a := ann.RPC(t, "score_of", ann.ID); !strings.Contains(got, `"points":10`) {
					t.Errorf("score_of: %q in %d %s", got, a.Status, a.Body)
				}
				return
			}
			if a := ann.Do(t, http.MethodGet, "/v2/account", ""); strings.Contains(a.Body, "Bern") {
				t.Errorf("the hook let the location through: %s", a.Body)
			}
			if history := ann.Do(t, http.MethodGet, "/v2/channel/"+channel, ""); !strings.Contains(history.Body, "****") {
				t.Errorf("the hook let the word through: %s", history.Body)
			}
		})
	}
}
