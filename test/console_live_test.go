package test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kumi/server/servertest"
)

type dashboard struct {
	Node *struct {
		SessionCount int `json:"session_count"`
	}
}

// A page gets the whole first, and then what changes, while it is subscribed.
func TestLiveDashboard(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	live := srv.ConsoleLogin(t, "admin", "password").Live(t)
	live.Subscribe(1, "dashboard", "")
	if d := servertest.Data[dashboard](live, 1); d.Node == nil || d.Node.SessionCount != 0 {
		t.Errorf("the first message is %+v", d.Node)
	}
	srv.User(t, "ann").Socket(t)
	servertest.Until(live, 1, func(d dashboard) bool { return d.Node != nil && d.Node.SessionCount == 1 })

	live.Subscribe(1, "dashboard", "")
	if code := refusal(live, 1); code != 6 {
		t.Errorf("an id that is in use: code %d", code)
	}
	live.Subscribe(2, "weather", "")
	if code := refusal(live, 2); code != 5 {
		t.Errorf("a topic that does not exist: code %d", code)
	}
	live.Send(`{"unsubscribe":{"id":1}}`)
	live.Subscribe(1, "dashboard", "")
	servertest.Until(live, 1, func(d dashboard) bool { return d.Node != nil })
}

// refusal waits for an error of a subscription, whatever else comes.
func refusal(l *servertest.Live, id int64) int {
	for {
		if m := l.Next(); m.ID == id && m.Error != nil {
			return m.Error.Code
		}
	}
}

// A page is told by the code that it has to log in again.
func TestLiveEndsWithItsToken(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	admin := srv.ConsoleLogin(t, "admin", "password")

	if code := srv.ConsoleToken("nonsense").Live(t).Closed(); code != 4401 {
		t.Errorf("a token that is none: closed with %d", code)
	}
	password := srv.ConsoleVisitor().LiveWith(t, nil)
	password.Send(`{"subscribe":{"id":1,"topic":"dashboard"}}`)
	if code := password.Closed(); code != 4400 {
		t.Errorf("no token first: closed with %d", code)
	}

	for what, end := range map[string]func(name string, op *servertest.Operator){
		"other rights": func(name string, _ *servertest.Operator) {
			admin.Must(t, "PUT", "/user/"+name, `{"acl":{"USER":{"read":true}}}`)
		},
		"deleted": func(name string, _ *servertest.Operator) { admin.Must(t, "DELETE", "/user?username="+name, "") },
		"password reset": func(name string, _ *servertest.Operator) {
			admin.Must(t, "POST", "/user/"+name+"/reset/password", "{}")
		},
		"logged out": func(_ string, op *servertest.Operator) {
			op.Must(t, "POST", "/authenticate/logout", map[string]string{"token": op.Token()})
		},
	} {
		name := strings.ReplaceAll(what, " ", ".")
		op := admin.Add(t, name, "correct horse battery", `{"CONFIGURATION":{"read":true}}`)
		live := op.Live(t)
		live.Subscribe(1, "dashboard", "")
		servertest.Data[dashboard](live, 1)
		end(name, op)
		if code := live.Closed(); code != 4401 {
			t.Errorf("%s: closed with %d", what, code)
		}
	}
}

func TestLiveEndsWhenItsTokenExpires(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Flags("--console.token_expiry_sec", "3"))
	if code := srv.ConsoleLogin(t, "admin", "password").Live(t).Closed(); code != 4401 {
		t.Errorf("closed with %d", code)
	}
}

// What is not a request ends the socket.
func TestLiveRequests(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	admin := srv.ConsoleLogin(t, "admin", "password")
	for _, text := range []string{`nonsense`, `{}`, `{"token":"x","unsubscribe":{"id":1}}`, `{"token":"again"}`, `[]`} {
		live := admin.Live(t)
		live.Send(text)
		if code := live.Closed(); code != 4400 {
			t.Errorf("%s: closed with %d", text, code)
		}
	}
	live := admin.Live(t)
	live.Subscribe(1, "dashboard", `{"unknown":1}`)
	servertest.Data[dashboard](live, 1)
}

// A server that stops tells its pages, which need not log in again.
func TestLiveEndsWithTheServer(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	live := srv.ConsoleLogin(t, "admin", "password").Live(t)
	live.Subscribe(1, "dashboard", "")
	servertest.Data[dashboard](live, 1)
	code := make(chan int, 1)
	go func() { code <- live.Closed() }()
	if err := srv.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if got := <-code; got != 1001 {
		t.Errorf("closed with %d", got)
	}
}

// Pages of other sites cannot open the socket.
func TestLiveOrigin(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	host := srv.ConsoleAddr().String()
	for origin, status := range map[string]int{"http://" + host: 101, "http://evil.example": 403, "http://127.0.0.1:1": 403, "null": 403} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		ws, resp, err := websocket.Dial(ctx, "ws://"+host+"/v2/console/live", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		if err == nil {
			_ = ws.CloseNow()
		}
		if resp == nil || resp.StatusCode != status {
			t.Errorf("from %s: %v, %v", origin, resp, err)
		}
		cancel()
	}
}
