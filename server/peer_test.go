package server_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/internal/testutil"
	"kumi/server/servertest"
)

// peer is a socket that is always read, so that pings are answered, and whose
// envelopes are kept until they are asked for.
type peer struct {
	*servertest.Raw
	user    *servertest.User
	session uuid.UUID
	cid     int

	mu   sync.Mutex
	got  []string
	more chan struct{} // closed when something comes
	gone bool
}

// peer opens a socket for a user whose session can be told from others.
func openPeer(t *testing.T, srv *servertest.Server, user *servertest.User) *peer {
	t.Helper()
	before := srv.Game().Sessions.OfUser(uuid.FromStringOrNil(user.ID))
	raw, err := srv.Raw(user.Token, "&status=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Cut)
	p := &peer{Raw: raw, user: user, more: make(chan struct{})}
	testutil.Eventually(t, "the session has begun", func() bool {
		all := srv.Game().Sessions.OfUser(uuid.FromStringOrNil(user.ID))
		for _, s := range all {
			if !slices.Contains(before, s) {
				p.session = s.ID()
			}
		}
		return p.session != uuid.Nil
	})
	return p
}

// listen starts to read.
func (p *peer) listen() *peer {
	go func() {
		for {
			b, err := p.Next()
			p.mu.Lock()
			if err == nil {
				p.got = append(p.got, string(b))
			}
			p.gone = err != nil
			close(p.more)
			p.more = make(chan struct{})
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return p
}

// heard waits for an envelope with all of the texts in it and takes it out.
func (p *peer) heard(texts ...string) (string, error) {
	timeout := time.After(late)
	for {
		p.mu.Lock()
		for i, got := range p.got {
			if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(got, text) }) {
				p.got = slices.Delete(p.got, i, i+1)
				p.mu.Unlock()
				return got, nil
			}
		}
		more, gone := p.more, p.gone
		p.mu.Unlock()
		if gone {
			return "", fmt.Errorf("the socket ended before %q came", texts)
		}
		select {
		case <-more:
		case <-timeout:
			return "", fmt.Errorf("%q did not come", texts)
		}
	}
}

// ask sends an envelope of a kind and gives the reply, which may be an error of
// the protocol. The error says that there was none.
func (p *peer) ask(kind, body string) (string, error) {
	p.cid++
	cid := strconv.Itoa(p.cid)
	if err := p.Send(`{"cid":"` + cid + `","` + kind + `":` + body + `}`); err != nil {
		return "", err
	}
	return p.heard(`{"cid":"` + cid + `"`)
}

// must asks, and fails the test when the answer is an error.
func (p *peer) must(t *testing.T, kind, body string) string {
	t.Helper()
	reply, err := p.ask(kind, body)
	if err != nil || strings.Contains(reply, `"error":{`) {
		t.Fatalf("%s %s: %s %v", kind, body, reply, err)
	}
	return reply
}

// field reads a text out of an envelope by its path.
func field(envelope string, path ...string) string {
	var v any
	_ = json.Unmarshal([]byte(envelope), &v)
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	text, _ := v.(string)
	return text
}
