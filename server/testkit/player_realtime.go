package testkit

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"kumi/vm"
)

// realtimeCalls are the functions of a player that send one message over the socket: the
// name with its arguments, the kind of the message, and the kind of the reply whose value
// is returned. "-" means that the server does not reply.
//
// An argument named data is text, bytes or data that becomes JSON, and is sent as bytes;
// one named content or payload is sent as JSON in a text.
const realtimeCalls = `
create_match(name?)                                        match_create                match
join_match(match_id?, token?, metadata?)                    match_join                  match
leave_match(match_id)                                      match_leave
send_match_state(match_id, op_code, data?, presences?)     match_data_send             -

join_chat(target, type, persistence?, hidden?)             channel_join                channel
leave_chat(channel_id)                                     channel_leave
write_chat_message(channel_id, content)                    channel_message_send        channel_message_ack
update_chat_message(channel_id, message_id, content)       channel_message_update      channel_message_ack
remove_chat_message(channel_id, message_id)                channel_message_remove      channel_message_ack

add_matchmaker(query?, min_count?, max_count?, string_properties?, numeric_properties?)  matchmaker_add  matchmaker_ticket
remove_matchmaker(ticket)                                  matchmaker_remove

create_party(open?, max_size?, label?)                     party_create                party
join_party(party_id)                                       party_join
leave_party(party_id)                                      party_leave
promote_party_member(party_id, presence)                   party_promote
accept_party_member(party_id, presence)                    party_accept
remove_party_member(party_id, presence)                    party_remove
close_party(party_id)                                      party_close
list_party_join_requests(party_id)                         party_join_request_list     party_join_request
add_matchmaker_party(party_id, query?, min_count?, max_count?, string_properties?, numeric_properties?)  party_matchmaker_add  party_matchmaker_ticket
remove_matchmaker_party(party_id, ticket)                  party_matchmaker_remove
send_party_data(party_id, op_code, data?)                  party_data_send             -

follow_users(user_ids, usernames?)                         status_follow               status
unfollow_users(user_ids)                                   status_unfollow
update_status(status?)                                     status_update
socket_rpc(id, payload?)                                   rpc                         rpc
`

// realtimeCall is one row.
type realtimeCall struct {
	params      []param
	kind, reply string
}

func realtimeFunctions() (table []vm.Func[*player]) {
	for line := range strings.Lines(realtimeCalls) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, params, rest := rowOf(line)
		r := &realtimeCall{params: params, kind: rest[0]}
		if len(rest) > 1 {
			r.reply = rest[1]
		}
		table = append(table, vm.Func[*player]{Name: vm.N(name), Async: true, Body: r.run})
	}
	return table
}

func (r *realtimeCall) run(p *player, c *vm.Call) error {
	body := map[string]any{}
	for i, arg := range r.params {
		v := c.Any(arg.name)
		var x any
		var err error
		switch {
		case c.E.IsNil(v):
			if !arg.optional {
				c.Fail(i, arg.name, "expected a value")
			}
			continue
		case arg.name == "data":
			x, err = dataOf(c.E, v)
		case (arg.name == "content" || arg.name == "payload") && !c.E.IsStr(v):
			var text []byte
			text, err = vm.ToJSON(c.E, v)
			x = string(text)
		default:
			x, err = vm.Export(c.E, v)
		}
		if err != nil {
			c.Fail(i, arg.name, err.Error())
		}
		body[arg.name] = x
	}
	if err := c.Err(); err != nil {
		return err
	}
	if r.kind == "match_create" && body["name"] == nil {
		body = map[string]any{}
	}
	var out json.RawMessage
	return p.later(c, func() (err error) {
		out, err = p.socket.call(r.kind, body, r.reply != "-", r.reply)
		return err
	}, func(c *vm.Call) error {
		if r.reply == "" || r.reply == "-" {
			return nil
		}
		var x any
		if err := json.Unmarshal(out, &x); err != nil {
			return err
		}
		if r.kind == "rpc" {
			payload, _ := x.(map[string]any)["payload"].(string)
			return returnPayload(c, payload)
		}
		return c.ReturnAny("answer", decoded(x), nil)
	})
}

// dataOf returns binary data of a message in base64: of text, bytes, or data as JSON.
func dataOf(e vm.Engine, v vm.Ref) (string, error) {
	var b []byte
	switch {
	case e.IsStr(v):
		b = []byte(e.Str(v))
	case e.IsBytes(v):
		b = e.Bytes(v)
	default:
		var err error
		if b, err = vm.ToJSON(e, v); err != nil {
			return "", err
		}
	}
	return base64.StdEncoding.EncodeToString(b), nil
}
