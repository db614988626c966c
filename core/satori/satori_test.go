package satori

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/internal/testutil"
	"kumi/store/fault"
)

// start starts a Satori server with one handler and returns a client of it.
func start(t *testing.T, o Options, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o.URL, o.APIKeyName, o.APIKey, o.SigningKey, o.ServerKey = server.URL, "name", "key", "signing", "console"
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

// flagsOf answers with one flag, whose value is the number of the request.
func flagsOf(n *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"flags":[{"name":"a","value":"%d","labels":["l"]},{"name":"b"}]}`, n.Add(1))
	}
}

func value(t *testing.T, c *Client, ctx context.Context, id string, names ...string) string {
	t.Helper()
	list, err := c.FlagsList(ctx, id, names, nil)
	if err != nil {
		t.Fatal(err)
	}
	return list.Flags[0].Value
}

func inCall(t *testing.T) context.Context {
	return context.WithValue(t.Context(), CacheKey{}, new(Cache))
}

func TestCallCache(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	now := time.Now()
	c := start(t, Options{Now: func() time.Time { return now }}, flagsOf(&n))
	ctx := inCall(t)
	for i, step := range []struct {
		id    string
		names []string
		want  string
	}{
		{"ann", []string{"a"}, "1"},
		{"ann", []string{"a"}, "1"},
		{"ann", nil, "2"},                // all were not asked for before
		{"ann", nil, "2"},                //
		{"ann", []string{"a", "x"}, "2"}, // found in all
		{"bob", nil, "3"},                // another identity
	} {
		if got := value(t, c, ctx, step.id, step.names...); got != step.want {
			t.Errorf("step %d: flag of request %s, want %s", i, got, step.want)
		}
	}
	if got := value(t, c, inCall(t), "ann"); got != "4" {
		t.Errorf("another call got the flag of request %s", got)
	}
	if got := value(t, c, t.Context(), "ann"); got != "5" {
		t.Errorf("without a call: the flag of request %s", got)
	}
	now = now.Add(c.o.TTL)
	if got := value(t, c, ctx, "ann"); got != "6" {
		t.Errorf("a call that outlives the maximum age gets the flag of request %s", got)
	}
	if err := c.IdentityDelete(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	if got := value(t, c, ctx, "ann"); got == "6" {
		t.Error("a flag is still cached after the identity was changed")
	}
}

func TestTimeCache(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	now := time.Now()
	c := start(t, Options{Cache: CacheTime, Now: func() time.Time { return now }}, flagsOf(&n))
	for _, ctx := range []context.Context{t.Context(), inCall(t)} {
		if got := value(t, c, ctx, "ann"); got != "1" {
			t.Errorf("flag of request %s, want the shared one", got)
		}
	}
	list, _ := c.FlagsList(t.Context(), "ann", nil, nil)
	list.Flags[0].Value = "changed by a module"
	if got := value(t, c, t.Context(), "ann"); got != "1" {
		t.Errorf("a module changed the cache: %s", got)
	}
	// Properties are not shared between calls.
	for range 2 {
		if _, err := c.PropertiesGet(inCall(t), "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if n.Load() != 3 {
		t.Errorf("%d requests, want 3", n.Load())
	}
	now = now.Add(c.o.TTL)
	if got := value(t, c, t.Context(), "ann"); got != "4" {
		t.Errorf("flag of request %s after the maximum age", got)
	}
	if err := c.PropertiesUpdate(t.Context(), "ann", &runtime.PropertiesUpdate{}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, c, t.Context(), "ann"); got != "6" {
		t.Errorf("flag of request %s after the properties changed", got)
	}
}

// What a module does with properties does not change those that are kept.
func TestPropertiesAreCopied(t *testing.T) {
	t.Parallel()
	c := start(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"custom":{"a":"1"}}`) })
	ctx := inCall(t)
	for range 3 {
		p, err := c.PropertiesGet(ctx, "ann")
		if err != nil || p.Custom["a"] != "1" || p.Default == nil {
			t.Fatalf("%+v, %v", p, err)
		}
		p.Custom["a"] = "changed by a module"
	}
}

// A list that was requested before a change of the identity, and arrives after it, is not
// kept.
func TestChangeDuringRequest(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	arrived, release := make(chan struct{}), make(chan struct{})
	c := start(t, Options{Cache: CacheTime}, func(w http.ResponseWriter, r *http.Request) {
		number := int64(0)
		if r.Method == http.MethodGet {
			if number = n.Add(1); number == 1 {
				close(arrived)
				<-release
			}
		}
		fmt.Fprintf(w, `{"flags":[{"name":"a","value":"%d"}]}`, number)
	})
	first := make(chan error, 1)
	go func() {
		_, err := c.FlagsList(context.Background(), "ann", nil, nil)
		first <- err
	}()
	<-arrived
	if err := c.PropertiesUpdate(t.Context(), "ann", &runtime.PropertiesUpdate{}); err != nil {
		t.Error(err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	for range 2 { // the second is from the cache
		if got := value(t, c, t.Context(), "ann"); got != "2" {
			t.Errorf("flag of request %s after the change", got)
		}
	}
}

func TestCacheOff(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	c := start(t, Options{Cache: CacheOff}, flagsOf(&n))
	ctx := inCall(t)
	value(t, c, ctx, "ann")
	if got := value(t, c, ctx, "ann"); got != "2" {
		t.Errorf("flag of request %s", got)
	}
}

// The shared cache stays within its size, and drops the oldest first.
func TestCacheSize(t *testing.T) {
	t.Parallel()
	c := &Cache{max: 10_000}
	now := time.Now()
	for i := range 1000 {
		c.put(c.begin(), now, time.Minute, fmt.Sprint(i%30), fmt.Sprint(i), i, 800)
		if c.bytes > c.max || len(c.queue) > 40 {
			t.Fatalf("%d bytes, %d entries in the queue after %d", c.bytes, len(c.queue), i+1)
		}
	}
	if c.get(now, "9", "999") == nil || c.get(now, "9", "9") != nil {
		t.Error("the newest is gone, or the oldest is still there")
	}
	c.put(c.begin(), now.Add(time.Minute), time.Minute, "x", "x", 1, 800)
	if len(c.identities) != 1 || c.bytes != 1000 {
		t.Errorf("%d identities, %d bytes after all others expired", len(c.identities), c.bytes)
	}
	c.put(c.begin(), now, time.Minute, "y", "y", 1, 20_000)
	if c.get(now, "y", "y") != nil {
		t.Error("a response larger than the cache was kept")
	}
}

// Requests are repeated that Satori was too busy for, as often as configured, and
// events with the same ids.
func TestRetries(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 500, 502, 503, 504} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var bodies []string
			c := start(t, Options{Retries: 2}, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				bodies = append(bodies, string(body))
				failing := len(bodies) < 3
				mu.Unlock()
				if failing {
					http.Error(w, "busy", status)
				}
			})
			if err := c.EventsPublish(t.Context(), "ann", []*runtime.Event{{Name: "won"}}); err != nil {
				t.Fatal(err)
			}
			if len(bodies) != 3 || bodies[0] != bodies[1] || bodies[1] != bodies[2] {
				t.Errorf("requests %q", bodies)
			}
		})
	}
}

func TestNotRepeated(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	status := new(atomic.Int64)
	c := start(t, Options{Retries: 3}, func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		http.Error(w, "no", int(status.Load()))
	})
	send := func() error {
		_, err := c.ConsoleDirectMessageSend(t.Context(), "t", []string{"ann"}, nil, false, nil, nil)
		return err
	}
	read := func() error { _, err := c.PropertiesGet(t.Context(), "ann"); return err }
	for _, step := range []struct {
		status int
		call   func() error
		code   fault.Code
		times  int64
	}{
		{400, read, fault.InvalidArgument, 1},
		{401, read, fault.FailedPrecondition, 1},
		{403, read, fault.FailedPrecondition, 1},
		{404, read, fault.NotFound, 1},
		{501, read, fault.Unavailable, 1},
		{302, read, fault.InvalidArgument, 1},
		{500, send, fault.Unavailable, 1}, // may have been sent
		{503, send, fault.Unavailable, 4}, // was not
		{429, read, fault.ResourceExhausted, 4},
	} {
		n.Store(0)
		status.Store(int64(step.status))
		err := step.call()
		if fault.CodeOf(err) != step.code || n.Load() != step.times || !strings.HasPrefix(fault.Text(err), fmt.Sprint(step.status, " status code: no")) {
			t.Errorf("%d: code %d after %d requests: %v", step.status, fault.CodeOf(err), n.Load(), err)
		}
		if text := fault.MessageOf(err, "generic"); text != "generic" {
			t.Errorf("%d: clients see %q", step.status, text)
		}
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	var observed sync.Map
	end := make(chan struct{})
	var n atomic.Int64
	c := start(t, Options{Timeout: 250 * time.Millisecond, Retries: 1, Observe: func(call, result string, _ time.Duration) { observed.Store(call+" "+result, true) }}, func(_ http.ResponseWriter, r *http.Request) {
		n.Add(1)
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	defer close(end)
	_, err := c.FlagsList(t.Context(), "ann", nil, nil)
	if fault.CodeOf(err) != fault.DeadlineExceeded || !strings.Contains(fault.Text(err), "no response within 250ms (satori.http_timeout_ms)") {
		t.Errorf("%v", err)
	}
	testutil.Eventually(t, "the second attempt", func() bool { return n.Load() == 2 })
	if _, ok := observed.Load("GET /v1/flag timeout"); !ok {
		t.Error("the time-out was not observed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = c.FlagsList(ctx, "ann", nil, nil); fault.CodeOf(err) != fault.DeadlineExceeded || !strings.Contains(fault.Text(err), "the call ended before") {
		t.Errorf("%v", err)
	}
	canceled, stop := context.WithCancel(t.Context())
	stop()
	if _, err = c.FlagsList(canceled, "ann", nil, nil); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("%v", err)
	}
}

// A pause that the server asks for is kept, unless the call ends before or it is too long.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	after := make(chan string, 1)
	c := start(t, Options{Retries: 5}, func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.Header().Set("Retry-After", <-after)
		http.Error(w, "later", http.StatusServiceUnavailable)
	})
	for seconds, ctx := range map[string]func() (context.Context, context.CancelFunc){
		"10":   func() (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), 9*time.Second) },
		"3600": func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) },
	} {
		n.Store(0)
		after <- seconds
		ctx, cancel := ctx()
		if _, err := c.FlagsList(ctx, "ann", nil, nil); fault.CodeOf(err) != fault.Unavailable || n.Load() != 1 {
			t.Errorf("after %s seconds: %v after %d requests", seconds, err, n.Load())
		}
		cancel()
	}
	if d := pause(0, time.Second); d != time.Second {
		t.Errorf("pause of %s", d)
	}
	for attempt := range 20 {
		if d := pause(attempt, 0); d < firstPause/2 || d > maxPause {
			t.Errorf("pause %d is %s", attempt, d)
		}
	}
}

// Tokens tell when the caller's session began.
func TestToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := New(Options{SessionLifetime: time.Minute, SigningKey: "signing", APIKeyName: "name", Now: func() time.Time { return now }})
	for expiry, issued := range map[int64]int64{0: now.Unix(), now.Unix() + 20: now.Unix() - 40, now.Unix() + 3600: now.Unix()} {
		//lint:ignore SA1029 the keys of the runtime package are strings
		text, err := c.token(context.WithValue(t.Context(), runtime.RUNTIME_CTX_USER_SESSION_EXP, expiry), "ann")
		if err != nil {
			t.Fatal(err)
		}
		claims := jwt.MapClaims{}
		if _, err := jwt.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return []byte("signing"), nil }, jwt.WithTimeFunc(func() time.Time { return now })); err != nil {
			t.Fatal(err)
		}
		if int64(claims["iat"].(float64)) != issued || claims["iid"] != "ann" || claims["api"] != "name" {
			t.Errorf("claims %v, want issued at %d", claims, issued)
		}
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	c := start(t, Options{}, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	ctx := t.Context()
	_, noID := c.PropertiesGet(ctx, "")
	_, limit := c.MessagesList(ctx, "ann", 0, true, "", nil)
	_, half := c.LiveEventsList(ctx, "ann", nil, nil, 0, 0, 5, 0)
	_, negative := c.LiveEventsList(ctx, "ann", nil, nil, -1, 0, 0, 0)
	for name, err := range map[string]error{
		"identity id": noID, "limit must": limit, "both be given": half, "past_run_count": negative,
		"properties": c.PropertiesUpdate(ctx, "ann", nil), "live event id": c.LiveEventJoin(ctx, "ann", ""), "message id": c.MessageDelete(ctx, "ann", ""),
		"at least one event": c.EventsPublish(ctx, "ann", nil), "event 1 has no name": c.ServerEventsPublish(ctx, []*runtime.Event{{}}), "event 1 is nil": c.ServerEventsPublish(ctx, []*runtime.Event{nil}),
	} {
		if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	none := New(Options{})
	if err := none.IdentityDelete(ctx, "ann"); !errors.Is(err, runtime.ErrSatoriConfigurationInvalid) || fault.CodeOf(err) != fault.FailedPrecondition || none.Configured() {
		t.Errorf("without a server: %v", err)
	}
	c.o.ServerKey = ""
	if _, err := c.ConsoleDirectMessageSend(ctx, "", nil, nil, false, nil, nil); err != runtime.ErrSatoriConfigurationInvalid {
		t.Errorf("without a server key: %v", err)
	}
}

func TestBadResponse(t *testing.T) {
	t.Parallel()
	c := start(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	if _, err := c.FlagsList(t.Context(), "ann", nil, nil); fault.CodeOf(err) != fault.Unavailable || !strings.Contains(fault.Text(err), "cannot be read") {
		t.Errorf("%v", err)
	}
}
