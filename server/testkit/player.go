package testkit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"kumi/store/fault"
	"kumi/vm"
)

// account is who a player is. Tests of a file that name the same player get the same one.
type account struct {
	name, id, username string
	token, refresh     string
	expires            time.Time
}

// player is an account with a socket, as a game client has them. Its methods may be called
// from any goroutine of the bubble.
type player struct {
	*host
	*account
	socket *socket
}

// player signs in, which creates the account if need be, and opens a socket.
func (h *host) player(name string) (*player, error) {
	// One after the other, so that ids do not depend on the order in which goroutines run.
	// The others wait at a channel, as in settle.
	<-h.signing
	defer func() { h.signing <- struct{}{} }()
	a := h.players[name]
	if a == nil {
		a = &account{name: name}
	}
	p := &player{host: h, account: a}
	if err := p.signIn(); err != nil {
		return nil, fmt.Errorf("sign in %s: %w", name, err)
	}
	h.players[name] = a
	if err := p.connect(); err != nil {
		return nil, err
	}
	h.open = append(h.open, p)
	return p, nil
}

// signIn begins a session with the player's device.
func (p *player) signIn() error {
	device := "kumi-test-" + p.name
	path := "/v2/account/authenticate/device?create=true"
	if p.id == "" {
		path += "&username=" + escape(p.name)
	}
	return p.session(path, map[string]any{"id": device})
}

// session begins a session by a call that returns one.
func (p *player) session(path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	res, err := p.request(http.MethodPost, path, p.serverKey(), text)
	if err != nil {
		return err
	}
	var s struct {
		Token   string `json:"token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(res, &s); err != nil {
		return err
	}
	claims, err := p.claims(s.Token)
	if err != nil {
		return err
	}
	p.token, p.refresh = s.Token, s.Refresh
	p.id, p.username, p.expires = claims.UserID, claims.Username, time.Unix(claims.Expires, 0)
	return nil
}

// call makes a REST call as the player. A session that has expired is begun anew first, as
// games do.
func (p *player) call(method, path string, body []byte) ([]byte, error) {
	if !time.Now().Before(p.expires) {
		if err := p.signIn(); err != nil {
			return nil, err
		}
	}
	return p.request(method, path, "Bearer "+p.token, body)
}

// playerLibrary returns the functions of a player, as an object of the VM.
func playerObject(e vm.Engine, p *player) (vm.Ref, error) {
	inst, ok := e.(vm.Instance)
	if !ok {
		return nil, fault.New(fault.Internal, "this engine cannot make players")
	}
	return inst.Functions(vm.Bind(e.Lang(), p, playerTable).AsMethods()), nil
}

// playerTable has the functions and properties of a player. Those that are one call of the
// REST API or one message of the socket are rows in player_rest.go and player_realtime.go.
var playerTable = func() []vm.Func[*player] {
	table := []vm.Func[*player]{
		{Name: vm.N("name"), Property: true, Body: func(p *player, c *vm.Call) error { return c.ReturnStr("name", p.name, nil) }},
		{Name: vm.N("id"), Property: true, Body: func(p *player, c *vm.Call) error { return c.ReturnStr("id", p.id, nil) }},
		{Name: vm.N("username"), Property: true, Body: func(p *player, c *vm.Call) error { return c.ReturnStr("username", p.username, nil) }},
		{Name: vm.N("token"), Property: true, Body: func(p *player, c *vm.Call) error { return c.ReturnStr("token", p.token, nil) }},
		{Name: vm.N("authenticate"), Async: true, Body: authenticate},
		{Name: vm.N("refresh"), Async: true, Body: func(p *player, c *vm.Call) error {
			return p.later(c, func() error {
				return p.session("/v2/account/session/refresh", map[string]any{"token": p.refresh})
			}, nil)
		}},
		{Name: vm.N("rpc"), Async: true, Body: func(p *player, c *vm.Call) error {
			return rpc(c, p.host, func(id string, payload []byte) ([]byte, error) {
				return p.call(http.MethodPost, "/v2/rpc/"+escape(id), payload)
			})
		}},
		{Name: vm.N("received"), Async: true, Body: received},
		{Name: vm.N("messages"), Body: messages},
		{Name: vm.N("drop"), Async: true, Body: func(p *player, c *vm.Call) error {
			return p.later(c, func() error { p.socket.drop(); return nil }, nil)
		}},
		{Name: vm.N("disconnect"), Async: true, Body: func(p *player, c *vm.Call) error {
			return p.later(c, func() error { p.socket.close(); return nil }, nil)
		}},
		{Name: vm.N("reconnect"), Async: true, Body: func(p *player, c *vm.Call) error {
			return p.later(c, func() error { p.socket.drop(); return p.connect() }, nil)
		}},
		{Name: vm.N("slow"), Async: true, Body: func(p *player, c *vm.Call) error {
			slow := c.OptBool("slow", true)
			if err := c.Err(); err != nil {
				return err
			}
			return p.later(c, func() error { p.socket.slow(slow); return nil }, nil)
		}},
	}
	table = append(table, restFunctions()...)
	return append(table, realtimeFunctions()...)
}()

// authenticate signs the player in with another method: "custom", "email" and so on, with
// the account that its REST call takes.
func authenticate(p *player, c *vm.Call) error {
	how := c.StrNonEmpty("method")
	credentials := c.Map("account")
	if err := c.Err(); err != nil {
		return err
	}
	return p.later(c, func() error {
		return p.session("/v2/account/authenticate/"+escape(how)+"?create=true&username="+escape(p.name), credentials)
	}, nil)
}

// rpc calls an RPC function. The payload may be text, or data that is sent as JSON; the
// result is data if it is JSON, or else text.
func rpc(c *vm.Call, h *host, call func(id string, payload []byte) ([]byte, error)) error {
	id := c.StrNonEmpty("id")
	payload, err := payloadOf(c, "payload")
	if err := firstError(c.Err(), err); err != nil {
		return err
	}
	var out []byte
	return h.later(c, func() (err error) {
		quoted, err := json.Marshal(payload)
		if err != nil {
			return err
		}
		out, err = call(id, quoted)
		return err
	}, func(c *vm.Call) error {
		var a struct{ Payload string }
		if err := json.Unmarshal(out, &a); err != nil {
			return err
		}
		return returnPayload(c, a.Payload)
	})
}

// payloadOf reads text, or data that becomes JSON.
func payloadOf(c *vm.Call, name string) (string, error) {
	v := c.Any(name)
	switch {
	case c.E.IsNil(v):
		return "", nil
	case c.E.IsStr(v):
		return c.E.Str(v), nil
	}
	text, err := vm.ToJSON(c.E, v)
	return string(text), err
}

func returnPayload(c *vm.Call, text string) error {
	if text == "" {
		return c.ReturnRef("payload", c.E.Nil(), nil)
	}
	if json.Valid([]byte(text)) {
		v, err := c.E.FromJSON(text)
		return c.ReturnRef("payload", v, err)
	}
	return c.ReturnStr("payload", text, nil)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// isJSON tells whether a text is a JSON object or list.
func isJSON(text string) bool {
	return (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")) && json.Valid([]byte(text))
}
