package test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"kumi/core/consolepb"
	"kumi/modules/source"
	"kumi/server/servertest"
)

// Operators keep requests in files of the modules folder, which a team shares.
func TestConsoleSavedRequests(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	admin := srv.ConsoleAdmin()
	before := source.Digest(srv.ModulesPath)
	list := func() *consolepb.SavedRequestList {
		var out consolepb.SavedRequestList
		t.Helper()
		if err := protojson.Unmarshal([]byte(admin.Must(t, "GET", "/request", nil).Body), &out); err != nil {
			t.Fatal(err)
		}
		return &out
	}
	if got := list().Requests; len(got) != 0 {
		t.Errorf("before anything is saved: %v", got)
	}
	admin.Must(t, "PUT", "/request/Give%20coins", map[string]any{
		"method": "give", "rpc": true, "user_id": "u", "session_vars": map[string]string{"a": "<b>"}, "body": `{"coins":9007199254740993}`,
	})
	admin.Must(t, "PUT", "/request/account", map[string]any{"method": "GetAccount"})
	admin.Must(t, "PUT", "/request/account", map[string]any{"method": "GetAccount", "body": `"plain" text`})
	folder := filepath.Join(srv.ModulesPath, ".kumi", "requests")
	want := `{
  "rpc": "give",
  "user_id": "u",
  "session_vars": {
    "a": "<b>"
  },
  "body": {
    "coins": 9007199254740993
  }
}
`
	if text, err := os.ReadFile(filepath.Join(folder, "Give coins.json")); err != nil || string(text) != want {
		t.Errorf("the file is %s, %v", text, err)
	}
	if err := os.WriteFile(filepath.Join(folder, "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := list().Requests
	if len(got) != 2 || got[0].Name != "Give coins" || !got[0].Rpc || got[0].Method != "give" || got[0].UserId != "u" || got[0].SessionVars["a"] != "<b>" ||
		!strings.Contains(got[0].Body, "9007199254740993") || got[1].Name != "account" || got[1].Rpc || got[1].Body != `"plain" text` {
		t.Errorf("the list is %v", got)
	}
	if source.Digest(srv.ModulesPath) != before {
		t.Error("saved requests count as modules, which would be reloaded")
	}
	for _, name := range []string{"..", ".hidden", "a%2Fb", "..%2Fmain", "a%5Cb", "end.", "%00", "a%0Ab"} {
		if a := admin.Do(t, "PUT", "/request/"+name, map[string]any{"method": "GetAccount"}); a.Status == 200 {
			t.Errorf("the name %s: %s", name, a.Body)
		}
	}
	if a := admin.Do(t, "PUT", "/request/empty", "{}"); a.Status != 400 {
		t.Errorf("a request without a method: %d %s", a.Status, a.Body)
	}
	admin.Must(t, "PUT", "/request/hook", map[string]any{"method": "AddFriends", "hook": "after", "body": `{"ids":["a"]}`, "output": "{ not JSON"})
	if got := list().Requests; len(got) != 3 || got[2].Hook != "after" || got[2].Method != "AddFriends" || !strings.Contains(got[2].Body, `"a"`) || got[2].Output != "{ not JSON" {
		t.Errorf("with a hook the list is %v", got)
	}
	if a := admin.Do(t, "PUT", "/request/hook", map[string]any{"method": "AddFriends", "hook": "during"}); a.Status != 400 || !strings.Contains(a.Body, "during") {
		t.Errorf("a hook that does not exist: %d %s", a.Status, a.Body)
	}
	admin.Must(t, "DELETE", "/request/hook", nil)
	large := func(bytes int) map[string]any {
		return map[string]any{"method": "GetAccount", "body": strings.Repeat("x", bytes)}
	}
	if a := admin.Do(t, "PUT", "/request/large", large(256<<10)); a.Code() != 3 || !strings.Contains(a.Body, "262144") {
		t.Errorf("a request of more than 256 KB: %d %s", a.Status, a.Body)
	}
	if err := os.WriteFile(filepath.Join(folder, "large.json"), []byte(`{"method":"GetAccount","body":"`+strings.Repeat("x", 256<<10)+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := list().Requests; len(got) != 2 {
		t.Errorf("with a file that is too large %d requests are listed", len(got))
	}
	if err := os.Remove(filepath.Join(folder, "large.json")); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		a := admin.Do(t, "PUT", "/request/part"+strconv.Itoa(i), large(255<<10))
		if a.Status == 200 && i < 40 {
			continue
		}
		if a.Code() != 8 || i != 32 {
			t.Errorf("request %d of 255 KB: %d %s", i, a.Status, a.Body)
		}
		break
	}
	admin.Must(t, "DELETE", "/request/account", nil)
	if a := admin.Do(t, "DELETE", "/request/account", nil); a.Status != 404 {
		t.Errorf("delete it again: %d %s", a.Status, a.Body)
	}
	if files, err := os.ReadDir(srv.ModulesPath); err != nil || len(files) != 1 {
		t.Errorf("in the modules folder: %v, %v", files, err)
	}
}
