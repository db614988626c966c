package testkit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"kumi/vm"
)

// restCalls are the functions of a player that are one call of the REST API each: the name
// with its arguments, the method, the path with arguments in it, the arguments of the query
// after ?, and the arguments in the body after +: "+x" is an object with the property x,
// "=x" is x itself. Arguments with a question mark may be omitted. Braces at the end mean
// that the answer is an object, which has the lists in them even if they are empty, as in the
// clients' SDKs. Other calls return nothing.
const restCalls = `
get_account()                                  GET    /v2/account {}
update_account(account)                        PUT    /v2/account =account
delete_account()                               DELETE /v2/account
get_users(ids, usernames?)                     GET    /v2/user ?ids ?usernames {users}
logout()                                       POST   /v2/session/logout
link(method, account)                          POST   /v2/account/link/{method} =account
unlink(method, account)                        POST   /v2/account/unlink/{method} =account

read_storage_objects(object_ids)               POST   /v2/storage +object_ids {objects}
write_storage_objects(objects)                 PUT    /v2/storage +objects {acks}
delete_storage_objects(object_ids)             PUT    /v2/storage/delete +object_ids
list_storage_objects(collection, user_id?, limit?, cursor?)  GET /v2/storage/{collection} ?user_id ?limit ?cursor {objects}

list_friends(state?, limit?, cursor?)          GET    /v2/friend ?state ?limit ?cursor {friends}
add_friends(ids, usernames?)                   POST   /v2/friend ?ids ?usernames
delete_friends(ids, usernames?)                DELETE /v2/friend ?ids ?usernames
block_friends(ids, usernames?)                 POST   /v2/friend/block ?ids ?usernames

list_groups(name?, limit?, cursor?)            GET    /v2/group ?name ?limit ?cursor {groups}
create_group(group)                            POST   /v2/group =group {}
update_group(group_id, group)                  PUT    /v2/group/{group_id} =group
delete_group(group_id)                         DELETE /v2/group/{group_id}
join_group(group_id)                           POST   /v2/group/{group_id}/join
leave_group(group_id)                          POST   /v2/group/{group_id}/leave
add_group_users(group_id, user_ids)            POST   /v2/group/{group_id}/add ?user_ids
kick_group_users(group_id, user_ids)           POST   /v2/group/{group_id}/kick ?user_ids
ban_group_users(group_id, user_ids)            POST   /v2/group/{group_id}/ban ?user_ids
promote_group_users(group_id, user_ids)        POST   /v2/group/{group_id}/promote ?user_ids
demote_group_users(group_id, user_ids)         POST   /v2/group/{group_id}/demote ?user_ids
list_group_users(group_id, state?, limit?, cursor?)  GET /v2/group/{group_id}/user ?state ?limit ?cursor {group_users}
list_user_groups(user_id, state?, limit?, cursor?)   GET /v2/user/{user_id}/group ?state ?limit ?cursor {user_groups}

list_channel_messages(channel_id, limit?, forward?, cursor?) GET /v2/channel/{channel_id} ?limit ?forward ?cursor {messages}
list_notifications(limit?, cacheable_cursor?)  GET    /v2/notification ?limit ?cacheable_cursor {notifications}
delete_notifications(ids)                      DELETE /v2/notification ?ids

list_leaderboard_records(leaderboard_id, owner_ids?, limit?, cursor?, expiry?) GET /v2/leaderboard/{leaderboard_id} ?owner_ids ?limit ?cursor ?expiry {records,owner_records}
write_leaderboard_record(leaderboard_id, record)     POST   /v2/leaderboard/{leaderboard_id} =record {}
delete_leaderboard_record(leaderboard_id)            DELETE /v2/leaderboard/{leaderboard_id}
list_leaderboard_records_around_owner(leaderboard_id, owner_id, limit?, expiry?, cursor?) GET /v2/leaderboard/{leaderboard_id}/owner/{owner_id} ?limit ?expiry ?cursor {records,owner_records}
list_tournaments(category_start?, category_end?, start_time?, end_time?, limit?, cursor?) GET /v2/tournament ?category_start ?category_end ?start_time ?end_time ?limit ?cursor {tournaments}
join_tournament(tournament_id)                       POST   /v2/tournament/{tournament_id}/join
list_tournament_records(tournament_id, owner_ids?, limit?, cursor?, expiry?) GET /v2/tournament/{tournament_id} ?owner_ids ?limit ?cursor ?expiry {records,owner_records}
write_tournament_record(tournament_id, record)       PUT    /v2/tournament/{tournament_id} =record {}
delete_tournament_record(tournament_id)              DELETE /v2/tournament/{tournament_id}
list_tournament_records_around_owner(tournament_id, owner_id, limit?, expiry?, cursor?) GET /v2/tournament/{tournament_id}/owner/{owner_id} ?limit ?expiry ?cursor {records,owner_records}

list_matches(limit?, authoritative?, label?, min_size?, max_size?, query?) GET /v2/match ?limit ?authoritative ?label ?min_size ?max_size ?query {matches}
list_parties(limit?, open?, query?, cursor?)   GET    /v2/party ?limit ?open ?query ?cursor {parties}
emit_event(event)                              POST   /v2/event =event
`

// restCall is one row.
type restCall struct {
	params       []param
	method, path string
	query        []string
	body         []string
	whole        string // the argument that is the body
	answers      bool   // with an object
	lists        []string
}

// param is an argument of a row.
type param struct {
	name     string
	optional bool
}

var callRow = regexp.MustCompile(`^(\w+)\(([^)]*)\)\s+(.*)$`)

// rowOf splits a row into the name, the arguments and the rest.
func rowOf(line string) (name string, params []param, rest []string) {
	m := callRow.FindStringSubmatch(line)
	if m == nil {
		panic("testkit: not a row: " + line)
	}
	for p := range strings.SplitSeq(m[2], ",") {
		if p = strings.TrimSpace(p); p != "" {
			n, optional := strings.CutSuffix(p, "?")
			params = append(params, param{n, optional})
		}
	}
	return m[1], params, strings.Fields(m[3])
}

func restFunctions() (table []vm.Func[*player]) {
	for line := range strings.Lines(restCalls) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, params, rest := rowOf(line)
		r := &restCall{params: params, method: rest[0], path: rest[1]}
		for _, where := range rest[2:] {
			switch arg := where[1:]; where[0] {
			case '?':
				r.query = append(r.query, arg)
			case '+':
				r.body = append(r.body, arg)
			case '=':
				r.whole = arg
			case '{':
				r.answers = true
				r.lists = strings.FieldsFunc(arg, func(c rune) bool { return c == ',' || c == '}' })
			}
		}
		table = append(table, vm.Func[*player]{Name: vm.N(name), Async: true, Body: r.run})
	}
	return table
}

// readParams reads the arguments of a row as data.
func readParams(c *vm.Call, params []param) (map[string]any, error) {
	args := map[string]any{}
	for i, p := range params {
		v := c.Any(p.name)
		if c.E.IsNil(v) {
			if !p.optional {
				c.Fail(i, p.name, "expected a value")
			}
			continue
		}
		x, err := vm.Export(c.E, v)
		if err != nil {
			c.Fail(i, p.name, err.Error())
		}
		args[p.name] = x
	}
	return args, c.Err()
}

func (r *restCall) run(p *player, c *vm.Call) error {
	args, err := readParams(c, r.params)
	if err != nil {
		return err
	}
	path, body, err := r.request(args)
	if err != nil {
		return err
	}
	var out []byte
	return p.later(c, func() (err error) {
		out, err = p.call(r.method, path, body)
		return err
	}, func(c *vm.Call) error {
		if !r.answers {
			return nil
		}
		return r.answer(c, out)
	})
}

// request makes the path with its query, and the body.
func (r *restCall) request(args map[string]any) (path string, body []byte, err error) {
	path = r.path
	query := url.Values{}
	for _, p := range r.params {
		v, given := args[p.name]
		switch {
		case strings.Contains(path, "{"+p.name+"}"):
			path = strings.Replace(path, "{"+p.name+"}", url.PathEscape(fmt.Sprint(v)), 1)
		case given && slices.Contains(r.query, p.name):
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			for _, x := range list {
				query.Add(p.name, fmt.Sprint(x))
			}
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	switch {
	case r.whole != "":
		body, err = json.Marshal(encoded(args[r.whole]))
	case len(r.body) > 0:
		fields := map[string]any{}
		for _, name := range r.body {
			fields[name] = encoded(args[name])
		}
		body, err = json.Marshal(fields)
	case r.method == http.MethodPost:
		body = []byte("{}")
	}
	return path, body, err
}

// answer returns the answer of the API as data.
func (r *restCall) answer(c *vm.Call, text []byte) error {
	x := map[string]any{}
	if err := json.Unmarshal(text, &x); err != nil {
		return fmt.Errorf("the server answered %q: %w", text, err)
	}
	for _, name := range r.lists {
		if x[name] == nil {
			x[name] = []any{}
		}
	}
	return c.ReturnAny("answer", decoded(x), nil)
}
