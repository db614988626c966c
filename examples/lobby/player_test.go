package lobby

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"kumi/server/servertest"
)

// start starts a server with the game; rounds last a few seconds.
func start(t *testing.T, options ...servertest.Option) *servertest.Server {
	t.Helper()
	return servertest.Start(t, append([]servertest.Option{
		servertest.Modules("."),
		servertest.Flags("--matchmaker.interval_sec", "1", "--runtime.env", "ROUND_SECONDS=8"),
	}, options...)...)
}

// player is one player, with what the page would know.
type player struct {
	*servertest.User
	socket  *servertest.Socket
	channel string
	match   string
	board   []byte // the cells as the page would have them
}

// view is the data of op code 1, step that of op code 2.
type view struct {
	Phase   string
	Left    int
	Cells   string
	Runners [][2]int
	Players []struct {
		UserID string `json:"userId"`
		Here   bool
	}
	Result *struct {
		Winner, Why string
		Records     []record
	}
}

type record struct{ Wins, Losses, Draws, Rating int }

type step struct {
	Left    int
	Runners [][2]int
	Cells   [2][]int
}

// enter makes a player join the lobby.
func enter(t *testing.T, srv *servertest.Server, name string) *player {
	t.Helper()
	p := &player{User: srv.User(t, name)}
	p.open(t)
	return p
}

func (p *player) open(t *testing.T) {
	t.Helper()
	p.socket = p.Socket(t)
	joined := p.socket.Call(t, "channel_join", `{"target":"lobby","type":1,"persistence":true}`)
	if p.channel = joined.Field("channel", "id"); p.channel == "" {
		t.Fatalf("join the lobby: %s", joined)
	}
}

// say sends a chat message and returns the reply.
func (p *player) say(t *testing.T, content string) servertest.Envelope {
	t.Helper()
	body, err := json.Marshal(map[string]string{"channel_id": p.channel, "content": content})
	if err != nil {
		t.Fatal(err)
	}
	return p.socket.Call(t, "channel_message_send", string(body))
}

// look searches for a match with anybody whose rating is within width.
func (p *player) look(t *testing.T, width int) (ticket string) {
	t.Helper()
	e := p.socket.Call(t, "matchmaker_add", fmt.Sprintf(`{"min_count":2,"max_count":2,"query":"*","numeric_properties":{"width":%d,"rating":1}}`, width))
	if ticket = e.Field("matchmaker_ticket", "ticket"); ticket == "" {
		t.Fatalf("matchmaker_add: %s", e)
	}
	return ticket
}

// join waits to be matched and joins.
func (p *player) join(t *testing.T) {
	t.Helper()
	e := p.socket.Expect(t, "matchmaker_matched")
	if p.match = e.Field("matchmaker_matched", "match_id"); p.match == "" {
		t.Fatalf("matched without a match: %s", e)
	}
	p.rejoin(t)
}

func (p *player) rejoin(t *testing.T) {
	t.Helper()
	if e := p.socket.Call(t, "match_join", `{"match_id":"`+p.match+`"}`); e["match"] == nil {
		t.Fatalf("%s joins: %s", p.Username, e)
	}
}

func (p *player) send(t *testing.T, opCode int, data string) {
	t.Helper()
	p.socket.Send(t, fmt.Sprintf(`{"match_data_send":{"match_id":"%s","op_code":"%d","data":"%s"}}`, p.match, opCode, base64.StdEncoding.EncodeToString([]byte(data))))
}

func (p *player) turn(t *testing.T, direction string) {
	t.Helper()
	p.send(t, 3, `{"turn":`+direction+`}`)
}

// data returns the next message of the match with an op code.
func (p *player) data(t *testing.T, opCode string, into any) {
	t.Helper()
	for {
		e := p.socket.Expect(t, "match_data")
		if e.Field("match_data", "op_code") != opCode {
			continue
		}
		text, err := base64.StdEncoding.DecodeString(e.Field("match_data", "data"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return
	}
}

// phase waits for the match to be in a phase.
func (p *player) phase(t *testing.T, name string) view {
	t.Helper()
	for {
		var v view
		if p.data(t, "1", &v); v.Phase == name {
			p.board = []byte(v.Cells)
			return v
		}
	}
}

// until waits for a step after which there returns true.
func (p *player) until(t *testing.T, where string, there func(s step) bool) {
	t.Helper()
	for {
		s := p.step(t)
		if there(s) {
			return
		}
		if s.Left <= 1 {
			t.Fatalf("the round ended with the players at %v; one had to come to %s", s.Runners, where)
		}
	}
}

// step returns the next step, after applying it to the player's board.
func (p *player) step(t *testing.T) (s step) {
	t.Helper()
	p.data(t, "2", &s)
	for seat, cells := range s.Cells {
		for _, cell := range cells {
			p.board[cell] = '1' + byte(seat)
		}
	}
	return s
}

// matched brings two players into a match that has begun, and returns them by
// seat.
func matched(t *testing.T, ann, ben *player) [2]*player {
	t.Helper()
	ann.look(t, 100)
	ben.look(t, 100)
	ann.join(t)
	ben.join(t)
	v := ann.phase(t, "playing")
	ben.phase(t, "playing")
	if len(v.Players) != 2 || !v.Players[0].Here || !v.Players[1].Here {
		t.Fatalf("a match began with the players %+v", v.Players)
	}
	if v.Players[0].UserID == ann.ID {
		return [2]*player{ann, ben}
	}
	return [2]*player{ben, ann}
}

// record returns the server's record of a player, as others see it.
func (p *player) record(t *testing.T, of *player) (r record) {
	t.Helper()
	a := p.Do(t, http.MethodPost, "/v2/storage", `{"object_ids":[{"collection":"ink","key":"record","user_id":"`+of.ID+`"}]}`)
	var answer struct{ Objects []struct{ Value string } }
	if err := json.Unmarshal([]byte(a.Body), &answer); err != nil || len(answer.Objects) != 1 {
		t.Fatalf("the record of %s: %d %s", of.Username, a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(answer.Objects[0].Value), &r); err != nil {
		t.Fatal(err)
	}
	return r
}
