package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"kumi/server/servertest"
)

// Four players who do with Kumi what alice, bob, carol and dave did with Nakama leave
// the same rows in all tables, and so do modules.
func TestNakamaRows(t *testing.T) {
	t.Parallel()
	address := restoreNakama(t)
	db, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	columns := columnsOf(t, db)
	srv := servertest.Start(t, servertest.Flags("--database.address", address), nakamaModule())

	players := map[string]*servertest.User{}
	do := map[string]func(method, path, body string, want ...string) servertest.Answer{}
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		u := srv.Authenticate(t, "email?create=true&username="+name+"2", `{"email":"`+name+`2@example.com","password":"`+name+`2-password"}`)
		players[name], do[name] = u, checked(t, u)
		do[name]("POST", "/v2/account/link/custom", `{"id":"custom-of-`+name+`2"}`)
		do[name]("POST", "/v2/account/link/device", `{"id":"device-of-`+name+`2-000001"}`)
		do[name]("PUT", "/v2/account", `{"display_name":"`+strings.ToUpper(name[:1])+name[1:]+`2","avatar_url":"https://example.com/a.png","lang_tag":"en","location":"Utrecht","timezone":"Europe/Amsterdam"}`)
		value, _ := json.Marshal(`{"level":7,"name":"` + name + `2","nested":{"big":9007199254740992,"e":1e21,"f":1.5,"n":null,"list":[1,2,{"ü":"日本"}]}}`)
		do[name]("PUT", "/v2/storage", `{"objects":[{"collection":"saves","key":"slot1","value":`+string(value)+`,"permission_read":2,"permission_write":1}]}`)
	}
	alice, bob := players["alice"], players["bob"]
	do["alice"]("POST", "/v2/friend?usernames=bob2", "")
	do["bob"]("POST", "/v2/friend?usernames=alice2", "")
	do["carol"]("POST", "/v2/friend?usernames=alice2", "")
	do["dave"]("POST", "/v2/friend/block?usernames=alice2", "")
	group := do["alice"]("POST", "/v2/group", `{"name":"Knights2","description":"of the round table","avatar_url":"x","lang_tag":"en","open":false,"max_count":50}`).Get("id")
	do["bob"]("POST", "/v2/group/"+group+"/join", "")
	do["alice"]("POST", "/v2/group/"+group+"/add?user_ids="+bob.ID, "")
	do["carol"]("POST", "/v2/group/"+group+"/join", "")
	do["alice"]("POST", "/v2/rpc/gift", `"`+alice.ID+`"`)
	socket := alice.Socket(t)
	for _, chat := range []struct {
		target string
		kind   int
		texts  []string
	}{{"lobby", 1, []string{"hello 0", "hello 1", "hello 2"}}, {bob.ID, 2, []string{"psst"}}, {group, 3, []string{"knights!"}}} {
		channel := socket.Call(t, "channel_join", fmt.Sprintf(`{"target":"%s","type":%d,"persistence":true}`, chat.target, chat.kind)).Field("channel", "id")
		for _, text := range chat.texts {
			socket.Call(t, "channel_message_send", `{"channel_id":"`+channel+`","content":"{\"text\":\"`+text+`\"}"}`)
		}
	}
	theirs := nakamaStory{group: "58e98e06-4944-4988-8d4c-6cb4ab086ecf", users: map[string]string{
		"alice": "7a4d0482-fa96-4cca-ae15-343a6aa78c33", "bob": "ef77cc39-3068-477f-998f-1dd0bd4fca21", "carol": "099f48e3-9831-4a03-b95d-a128e6eb53c3", "dave": "cb259736-8ca9-4b9f-b066-7c4ad7893abc",
	}}
	ours := nakamaStory{group: group, suffix: "2", users: map[string]string{}}
	for name, u := range players {
		ours.users[name] = u.ID
	}
	users := "IN ('%alice%', '%bob%', '%carol%', '%dave%')"
	for table, where := range map[string]string{
		"users": "id " + users, "user_device": "user_id " + users, "user_edge": "source_id " + users, "notification": "user_id " + users, "storage": "collection = 'saves' AND user_id " + users,
		"wallet_ledger": "user_id " + users, "message": "sender_id " + users, "groups": "id = '%group%'", "group_edge": "'%group%' IN (source_id, destination_id)",
	} {
		var want, got []string
		servertest.Eventually(t, "the rows of "+table, func() bool {
			want, got = theirs.rows(t, db, table, where), ours.rows(t, db, table, where)
			return len(got) >= len(want)
		})
		if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
			t.Errorf("%s (-Nakama +Kumi): %s", table, d)
		}
	}

	// What modules made, and what players did with it.
	do["alice"]("POST", "/v2/rpc/boards", `""`)
	do["alice"]("POST", "/v2/leaderboard/plain", `{"score":"1"}`)
	do["alice"]("POST", "/v2/tournament/tiny/join", "")
	do["bob"]("POST", "/v2/rpc/notify", `"`+bob.ID+`"`)
	dora := srv.User(t, "dora")
	boards := regexp.MustCompile(`(Title )?(lb-[0-9a-f]+|t-[0-9a-f]+|plain|cup|Cup|tiny|Tiny|weekly_score|monthly)`)
	names := strings.NewReplacer("device-0ad440b4aafc0786", "<device>", "device-of-dora", "<device>", `0 0 * * 1`, "<cron>", `0 0 1 * *`, "<cron>", "alice2", "<user>", "dora", "<user>")
	someone := regexp.MustCompile(`u-[0-9a-f]{16}`)
	for _, c := range []struct{ table, theirs, ours string }{
		{"users", "id = '97976b75-26b1-4673-9a92-da406c0af271'", "id = '" + dora.ID + "'"}, // made by device id
		{"user_device", "user_id = '97976b75-26b1-4673-9a92-da406c0af271'", "user_id = '" + dora.ID + "'"},
		{"leaderboard", "id = 'lb-b73d5e1f7f715123'", "id = 'plain'"},
		{"leaderboard", "id = 't-7c95cec639eda388'", "id = 'cup'"},
		{"leaderboard", "id = 'weekly_score'", "id = 'monthly'"},
		{"leaderboard_record", "leaderboard_id LIKE 'lb-%' AND score = 1 AND num_score = 1 AND subscore = 0 AND metadata = '{}'", "leaderboard_id = 'plain'"},
		{"leaderboard_record", "leaderboard_id = 't-3f3d9afc06fca99c'", "leaderboard_id = 'tiny'"}, // joined
		{"leaderboard", "id = 't-3f3d9afc06fca99c'", "id = 'tiny'"},
		{"notification", "code = 7 AND content = '{\"n\": 1}'", "code = 7 AND user_id = '" + bob.ID + "'"},
	} {
		row := func(where string) string {
			all := nakamaStory{}.rows(t, db, c.table, where)
			if len(all) == 0 {
				t.Fatalf("%s has no row with %s", c.table, where)
			}
			return names.Replace(someone.ReplaceAllString(boards.ReplaceAllString(all[0], "<board>"), "<user>"))
		}
		if d := cmp.Diff(strings.Split(row(c.theirs), ","), strings.Split(row(c.ours), ",")); d != "" {
			t.Errorf("%s, %s (-Nakama +Kumi): %s", c.table, c.ours, d)
		}
	}
	do["alice"]("POST", "/v2/rpc/ban", `"`+dora.ID+`"`)
	do["alice"]("POST", "/v2/rpc/delete", `"`+players["dave"].ID+`"`)
	for what, query := range map[string]string{
		"banned":      "SELECT count(*) FROM users WHERE username = 'dora' AND disable_time > now() - interval '1 hour' AND disable_time <= now() + interval '1 minute'",
		"tombstone":   "SELECT count(*) FROM user_tombstone WHERE user_id = '" + players["dave"].ID + "'",
		"system user": "SELECT count(*) FROM users WHERE id = '00000000-0000-0000-0000-000000000000' AND username = ''",
	} {
		var n int
		if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", what, n, err)
		}
	}
	if got := columnsOf(t, db); got != columns {
		t.Errorf("Nakama's tables were changed:\n%s\nwere\n%s", got, columns)
	}
}

// nakamaStory is a group and its four players.
type nakamaStory struct {
	group, suffix string
	users         map[string]string // ids by name, without the suffix
}

var (
	anyID   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	anyTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$`)
	anyMD5  = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// rows returns rows of a table, ordered, without what differs from one story to the
// next: ids, times, positions, hashes. In where, %alice% is the id of alice, and so on.
func (s nakamaStory) rows(t *testing.T, db *pgx.Conn, table, where string) []string {
	t.Helper()
	for name, id := range s.users {
		where = strings.ReplaceAll(where, "%"+name+"%", id)
	}
	where = strings.ReplaceAll(where, "%group%", s.group)
	found, err := db.Query(t.Context(), "SELECT to_jsonb(t)::text FROM "+table+" AS t WHERE "+where)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		for name, id := range s.users {
			text = strings.ReplaceAll(text, id, "<"+name+">")
			if s.suffix != "" {
				text = strings.ReplaceAll(text, name+s.suffix, name)
				title := strings.ToUpper(name[:1]) + name[1:]
				text = strings.ReplaceAll(text, title+s.suffix, title)
			}
		}
		if s.group != "" {
			text = strings.ReplaceAll(strings.ReplaceAll(text, s.group, "<group>"), "Knights"+s.suffix, "Knights")
		}
		var row map[string]any
		if err := json.Unmarshal([]byte(text), &row); err != nil {
			t.Fatal(err)
		}
		if row["update_time"] != nil && row["update_time"] == row["create_time"] {
			row["update_time"] = "when it was created"
		}
		for column, value := range row {
			row[column] = general(column, value)
		}
		if row["stream_mode"] == 4.0 { // the smaller id comes first
			row["stream_subject"], row["stream_descriptor"] = "<both>", "<both>"
		}
		if row["username"] == "bob" && table == "users" { // not by Nakama
			for _, provider := range []string{"facebook_id", "google_id", "gamecenter_id", "steam_id", "apple_id"} {
				row[provider] = nil
			}
		}
		var b strings.Builder
		for _, column := range slices.Sorted(maps.Keys(row)) {
			value, _ := json.Marshal(row[column])
			fmt.Fprintf(&b, "%s=%s, ", column, value)
		}
		texts[i] = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(b.String())
	}
	slices.Sort(texts)
	return texts
}

// general replaces a value that differs from one run to the next by what it is.
func general(column string, value any) any {
	switch v := value.(type) {
	case float64:
		if column == "position" && v > 1.7e18 { // nanoseconds
			return "<position>"
		}
	case string:
		switch {
		case v == "00000000-0000-0000-0000-000000000000" || strings.HasPrefix(v, "1970-"):
		case anyID.MatchString(v):
			return "<id>"
		case anyTime.MatchString(v) && strings.Contains(v, "."):
			return "<time>"
		case anyTime.MatchString(v):
			return "<whole second>"
		case anyMD5.MatchString(v):
			return "<md5>"
		case column == "password":
			return v[:10] // $2a$
		}
	}
	return value
}
