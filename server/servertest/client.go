package servertest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// wait limits every call and every wait for a message, so that a test fails instead of
// hanging.
const wait = time.Minute

// Answer is a REST response.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Code returns the code of an error body, or 0.
func (a Answer) Code() int {
	var body struct{ Code int }
	_ = json.Unmarshal([]byte(a.Body), &body)
	return body.Code
}

// Get returns a string field of a JSON body by its dotted path.
func (a Answer) Get(path string) string {
	var v any
	_ = json.Unmarshal([]byte(a.Body), &v)
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// Decode reads a JSON body.
func (a Answer) Decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
}

// Do makes one REST call. authorization is a complete header value, or empty.
func (s *Server) Do(t testing.TB, method, path, authorization, body string) Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return send(t, req)
}

// send sends a request and reads the whole response.
func send(t testing.TB, req *http.Request) Answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: read answer: %v", req.Method, req.URL.Path, err)
	}
	return Answer{resp.StatusCode, resp.Header, string(text)}
}

// ServerKey is the Authorization header of calls without a session, with the default key.
const ServerKey = "Basic ZGVmYXVsdGtleTo="

// User is an authenticated player.
type User struct {
	server                *Server
	ID, Username          string
	Token, Refresh        string
	authorization, device string
}

// User authenticates a player by a device id made from name.
func (s *Server) User(t testing.TB, name string) *User {
	t.Helper()
	device := "device-of-" + name
	u := s.Authenticate(t, "device?create=true&username="+url.QueryEscape(name), `{"id":"`+device+`"}`)
	u.device = device
	return u
}

// Authenticate authenticates a player: how is the end of the path with its query.
func (s *Server) Authenticate(t testing.TB, how, body string) *User {
	t.Helper()
	a := s.Do(t, http.MethodPost, "/v2/account/authenticate/"+how, cmp.Or(s.basic, ServerKey), body)
	if a.Status != http.StatusOK {
		t.Fatalf("authenticate by %s %s: %d %s", how, body, a.Status, a.Body)
	}
	u := &User{server: s, Token: a.Get("token"), Refresh: a.Get("refresh_token")}
	u.authorization = "Bearer " + u.Token
	account := u.Do(t, http.MethodGet, "/v2/account", "")
	u.ID, u.Username = account.Get("user.id"), account.Get("user.username")
	return u
}

// On is the player with its session at another server, or at the same one after a restart.
func (u *User) On(s *Server) *User {
	other := *u
	other.server = s
	return &other
}

// Do makes a REST call as the player.
func (u *User) Do(t testing.TB, method, path, body string) Answer {
	t.Helper()
	return u.server.Do(t, method, path, u.authorization, body)
}

// RPC calls an RPC over REST as the player and returns the payload of the response.
func (u *User) RPC(t testing.TB, id, payload string) (string, Answer) {
	t.Helper()
	quoted, _ := json.Marshal(payload)
	a := u.Do(t, http.MethodPost, "/v2/rpc/"+id, string(quoted))
	return a.Get("payload"), a
}

// RPC calls an RPC as another server would, with the HTTP key.
func (s *Server) RPC(t testing.TB, id, payload string) (string, Answer) {
	t.Helper()
	quoted, _ := json.Marshal(payload)
	a := s.Do(t, http.MethodPost, "/v2/rpc/"+id+"?http_key="+cmp.Or(s.httpKey, "defaulthttpkey"), "", string(quoted))
	return a.Get("payload"), a
}
