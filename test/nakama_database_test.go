package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"kumi/server/servertest"
	"kumi/store/storetest"
)

// nakamaDatabase is a dump of a database that Nakama 3.40 wrote.
const nakamaDatabase = "testdata/nakama-3.40-postgres15.sql.gz"

// restoreNakama restores the dump into an empty database and returns its address.
func restoreNakama(t *testing.T) string {
	t.Helper()
	return storetest.Restore(t, nakamaDatabase)
}

// A database that Nakama wrote opens as it is: its players sign in as they did,
// and find what they had. What is written then is what Nakama could have written.
func TestNakamaDatabase(t *testing.T) {
	t.Parallel()
	address := restoreNakama(t)
	db, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	columns := columnsOf(t, db)
	srv := servertest.Start(t, servertest.Flags("--database.address", address), nakamaModule())
	findNakamaData(t, srv)

	user := srv.Authenticate(t, "custom?create=false", `{"id":"custom-of-alice"}`)
	alice, id := checked(t, user), user.ID
	alice("PUT", "/v2/account", `{"location":"Bern"}`)
	alice("PUT", "/v2/storage", `{"objects":[{"collection":"saves","key":"slot2","value":"{\"level\":8}"}]}`, `"key":"slot2"`)
	alice("POST", "/v2/leaderboard/weekly_score", `{"score":"7"}`, `"score":"7"`)
	alice("POST", "/v2/rpc/gift", `"`+id+`"`)
	alice("POST", "/v2/group", `{"name":"Bards"}`, `"name":"Bards"`)
	alice("POST", "/v2/friend?usernames=u-a0acf4faddc7f322", "")
	alice("POST", "/v2/friend?usernames=dave", "") // who has blocked her, which she is not told
	if got := columnsOf(t, db); got != columns {
		t.Errorf("Nakama's tables were changed:\n%s\nwere\n%s", got, columns)
	}
	for what, query := range map[string]string{
		"account":       "SELECT count(*) FROM users WHERE username = 'alice' AND location = 'Bern' AND wallet->>'coins' = '240' AND update_time > create_time",
		"object":        "SELECT count(*) FROM storage WHERE key = 'slot2' AND user_id = '" + id + "' AND length(version) = 32 AND read = 1 AND write = 1 AND value = '{\"level\": 8}'",
		"record":        "SELECT count(*) FROM leaderboard_record WHERE leaderboard_id = 'weekly_score' AND owner_id = '" + id + "' AND score = 7 AND num_score = 1 AND max_num_score = 1000000 AND metadata = '{}' AND extract(isodow from expiry_time at time zone 'UTC') = 1",
		"ledger":        "SELECT count(*) FROM wallet_ledger WHERE user_id = '" + id + "' AND changeset = '{\"gems\": 3, \"coins\": 120}' AND metadata = '{\"reason\": \"gift\"}' AND create_time > now() - interval '1 hour'",
		"group":         "SELECT count(*) FROM groups WHERE name = 'Bards' AND creator_id = '" + id + "' AND edge_count = 1 AND max_count = 100 AND state = 1",
		"group's owner": "SELECT count(*) FROM group_edge e JOIN groups g ON g.id = e.source_id WHERE g.name = 'Bards' AND e.state = 0 AND e.destination_id = '" + id + "'",
		"friend":        "SELECT count(*) FROM user_edge e JOIN users u ON u.id = e.destination_id WHERE e.source_id = '" + id + "' AND u.username = 'u-a0acf4faddc7f322' AND e.state = 1",
	} {
		var n int
		if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", what, n, err)
		}
	}
}

// columnsOf describes the columns of Nakama's tables.
func columnsOf(t *testing.T, db *pgx.Conn) string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, '')
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'kumi%' ORDER BY table_name, ordinal_position`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var c [5]string
		if err := rows.Scan(&c[0], &c[1], &c[2], &c[3], &c[4]); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, strings.Join(c[:], " "))
	}
	if rows.Err() != nil || b.Len() == 0 {
		t.Fatal(rows.Err())
	}
	return b.String()
}
