package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
)

// setupWorkers is how many connections prepare users and matches, which is not
// measured.
const setupWorkers = 8

// session is an authenticated user.
type session struct {
	token  string
	userID string
}

func (s session) bearer() string {
	if s.token == "" {
		return ""
	}
	return "Bearer " + s.token
}

// deviceRequest authenticates a device, creating its account if needed.
func (t *target) deviceRequest(device string) []byte {
	key := "Basic " + base64.StdEncoding.EncodeToString([]byte(t.serverKey+":"))
	return request("POST", "/v2/account/authenticate/device?create=true", t.address, key, `{"id":"`+device+`"}`)
}

// authenticate logs a device in. Against the bare server it does nothing.
func (t *target) authenticate(c *httpConn, device string) (session, error) {
	if t.bare {
		return session{}, nil
	}
	status, body, err := c.do(t.deviceRequest(device))
	if err != nil {
		return session{}, fmt.Errorf("authenticate: %w", err)
	}
	if status != 200 {
		return session{}, fmt.Errorf("authenticate: %w", responseError(status, body))
	}
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return session{}, fmt.Errorf("authenticate: read answer: %w", err)
	}
	userID, err := userOf(answer.Token)
	return session{token: answer.Token, userID: userID}, err
}

// userOf reads the user id from a session token, without verifying it.
func userOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("authenticate: the session token is not a JWT")
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", fmt.Errorf("authenticate: read session token: %w", err)
	}
	var c struct {
		UserID string `json:"uid"`
	}
	if err := json.Unmarshal(claims, &c); err != nil {
		return "", fmt.Errorf("authenticate: read session token: %w", err)
	}
	return c.UserID, nil
}

// sessions logs in n users. Their device ids are the same in every run, so
// that runs do not add accounts.
func (t *target) sessions(n int) ([]session, error) {
	out := make([]session, n)
	if t.bare {
		return out, nil
	}
	errs := make([]error, setupWorkers)
	var wg sync.WaitGroup
	for w := range setupWorkers {
		wg.Go(func() {
			c := newHTTPConn(t.address)
			defer c.close()
			for i := w; i < n && errs[w] == nil; i += setupWorkers {
				out[i], errs[w] = t.authenticate(c, fmt.Sprintf("bench-device-%08d", i))
			}
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// rpcRequest calls a function; without a session as another server would, with
// the HTTP key.
func (t *target) rpcRequest(id, payload string, s session) []byte {
	path := "/v2/rpc/" + url.PathEscape(id)
	if s.token == "" && !t.bare {
		path += "?http_key=" + url.QueryEscape(t.httpKey)
	}
	body, _ := json.Marshal(payload) // a string always encodes
	return request("POST", path, t.address, s.bearer(), string(body))
}

// createMatch calls the function that creates a match and returns the match
// id, which the function may return as plain text or as match_id, matchId or
// id of a JSON object.
func (t *target) createMatch(c *httpConn, create []byte) (string, error) {
	status, body, err := c.do(create)
	if err != nil {
		return "", fmt.Errorf("create match: %w", err)
	}
	if status != 200 {
		return "", fmt.Errorf("create match: %w", responseError(status, body))
	}
	return matchIDOf(body)
}

func matchIDOf(body []byte) (string, error) {
	var answer struct {
		Payload string `json:"payload"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("create match: read answer: %w", err)
	}
	text := strings.TrimSpace(answer.Payload)
	if strings.HasPrefix(text, `"`) {
		var inner string
		if json.Unmarshal([]byte(text), &inner) == nil {
			text = inner
		}
	}
	if strings.HasPrefix(text, "{") {
		var object map[string]any
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return "", fmt.Errorf("create match: read answer: %w", err)
		}
		text = ""
		for _, key := range []string{"match_id", "matchId", "id"} {
			if id, ok := object[key].(string); ok {
				text = id
				break
			}
		}
	}
	if text == "" {
		return "", fmt.Errorf("create match: no match id in %.200q", body)
	}
	return text, nil
}

// responseError is the error for an unexpected response.
func responseError(status int, body []byte) error {
	return fmt.Errorf("status %d: %.200s", status, body)
}
