package servertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Operator makes calls of the console's API.
type Operator struct {
	server        *Server
	authorization string
	// Header is sent with each call.
	Header http.Header
}

// ConsoleAdmin is the administrator that the configuration names, who sends the default
// password with each call.
func (s *Server) ConsoleAdmin() *Operator { return s.ConsoleBasic("admin", "password") }

// ConsoleBasic is an operator who sends a password with each call.
func (s *Server) ConsoleBasic(name, password string) *Operator {
	return &Operator{s, "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password)), http.Header{}}
}

// ConsoleVisitor is nobody yet.
func (s *Server) ConsoleVisitor() *Operator { return &Operator{s, "", http.Header{}} }

// ConsoleToken is the operator of a token.
func (s *Server) ConsoleToken(token string) *Operator {
	return &Operator{s, "Bearer " + token, http.Header{}}
}

// Token returns the token of an operator who has one.
func (o *Operator) Token() string { return strings.TrimPrefix(o.authorization, "Bearer ") }

// Do makes a call; path is without /v2/console. A body may be a string of JSON or a value
// that is encoded.
func (o *Operator) Do(t testing.TB, method, path string, body any) Answer {
	t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(encoded)
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+o.server.ConsoleAddr().String()+"/v2/console"+path, bytes.NewBufferString(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range o.Header {
		req.Header[name] = values
	}
	if o.authorization != "" {
		req.Header.Set("Authorization", o.authorization)
	}
	return send(t, req)
}

// Must is Do for calls that succeed.
func (o *Operator) Must(t testing.TB, method, path string, body any) Answer {
	t.Helper()
	a := o.Do(t, method, path, body)
	if a.Status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	return a
}

// Add adds another operator with rights to resources, such as {"USER":{"read":true}},
// sets its password and logs it in.
func (o *Operator) Add(t testing.TB, name, password, rights string) *Operator {
	t.Helper()
	added := o.Must(t, "POST", "/user", `{"username":"`+name+`","email":"`+name+`@example.com","acl":`+rights+`}`)
	o.server.ConsoleVisitor().Must(t, "POST", "/authenticate/password_change", map[string]string{"code": added.Get("token"), "password": password})
	return o.server.ConsoleLogin(t, name, password)
}

// ConsoleLogin logs an operator in.
func (s *Server) ConsoleLogin(t testing.TB, name, password string) *Operator {
	t.Helper()
	a := s.ConsoleVisitor().Must(t, "POST", "/authenticate", map[string]string{"username": name, "password": password})
	return s.ConsoleToken(a.Get("token"))
}
