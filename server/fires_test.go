package server_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"kumi/core/social/socialtest"
	"kumi/hooks"
	doors "kumi/server/api"
	"kumi/server/servertest"
	"kumi/server/socket"
)

// fires follows the log of a server for what fired.
type fires struct {
	mu   sync.Mutex
	seen []string
	more chan struct{} // closed when something fires
}

func newFires() *fires { return &fires{more: make(chan struct{})} }

func (f *fires) Write(p []byte) (int, error) {
	_, rest, ok := strings.Cut(string(p), `"fired `)
	if name, _, whole := strings.Cut(rest, `"`); ok && whole {
		f.mu.Lock()
		f.seen = append(f.seen, name)
		close(f.more)
		f.more = make(chan struct{})
		f.mu.Unlock()
	}
	return len(p), nil
}

// at is where a name fired for the first time, or negative.
func (f *fires) at(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Index(f.seen, name)
}

// await fails when something does not fire.
func (f *fires) await(t *testing.T, name string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		f.mu.Lock()
		more, done := f.more, slices.Contains(f.seen, name)
		f.mu.Unlock()
		if done {
			return
		}
		select {
		case <-more:
		case <-late:
			t.Errorf("%s did not fire", name)
			return
		}
	}
}

// TestEveryHookRuns registers every hook and event in each language and makes it run:
// through the API or a socket where there is a call, otherwise directly.
func TestEveryHookRuns(t *testing.T) {
	t.Parallel()
	for lang, module := range map[string]servertest.Option{
		"go": servertest.Flags("--runtime.env", "fires=go"), "lua": luaModule(t), "javascript": javascriptModule(t),
	} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			f := newFires()
			providers := socialtest.New()
			stores := startStores(t)
			srv := servertest.Start(t, module, stores.settings, servertest.LogTo(zerolog.New(f)), servertest.Flags("--matchmaker.interval_sec", "1", "--shutdown_grace_sec", "1"),
				servertest.Flags(socialtest.Flags()...), servertest.Providers(providers, providers.Roots()))
			f.api(t, srv, providers, stores.bodies())
			f.realtime(t, srv)
			f.rest(t, srv)
			f.slots(t, srv)
			if lang == "go" {
				ann := srv.User(t, "ann")
				if a := ann.Do(t, http.MethodGet, "/fire_user", ""); a.Body != ann.ID {
					t.Errorf("a Go route with a session: %d %s", a.Status, a.Body)
				}
				if a := srv.Do(t, http.MethodGet, "/fire_user", "", ""); a.Status != http.StatusUnauthorized {
					t.Errorf("a Go route without a session: %d %s", a.Status, a.Body)
				}
			}
			if err := srv.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			for _, name := range singles {
				f.await(t, name)
			}
			// Each chain ran before its slot.
			hooked(func(name, _, _, _ string, _ bool) {
				if strings.Contains(name, " chain ") {
					return
				}
				when, call, _ := strings.Cut(name, " ")
				if when == "rt" {
					second, rest, _ := strings.Cut(call, " ")
					when, call = "rt "+second, rest
				}
				if lang == "go" && call == "Event" {
					return
				}
				if chain, slot := f.at(when+" chain "+call), f.at(name); chain < 0 || slot < chain {
					t.Errorf("%s is number %d of what fired, its chain number %d", name, slot, chain)
				}
			})
		})
	}
}

// api calls every method of the API. A method without a trigger fails the test.
func (f *fires) api(t *testing.T, srv *servertest.Server, providers *socialtest.Providers, purchases map[string]string) {
	t.Helper()
	p := newPlayers(t, srv)
	maps.Copy(p.known, purchases)
	for _, id := range []string{"1", "2"} {
		p.known["apple "+id] = providers.IDToken(socialtest.Apple, id, nil)
		p.known["google "+id] = providers.IDToken(socialtest.Google, id, nil)
		p.known["facebook "+id] = providers.FacebookToken(id)
		p.known["instant "+id] = providers.InstantInfo(id)
		p.known["game center "+id] = providers.GameCenterJSON(id)
		p.known["steam "+id] = providers.SteamTicket(id)
	}
	tried := map[string]bool{}
	for _, c := range apiTriggers {
		tried[c.name] = true
		if c.try(t, p) {
			f.await(t, "before chain "+c.name)
			f.await(t, "after chain "+c.name)
		}
	}
	for _, name := range doors.Hooked() {
		if !tried[name] {
			t.Errorf("no trigger is known for %s: add one to apiTriggers", name)
		}
	}
	for i := range hooks.Methods { // those without an operation yet
		m := &hooks.Methods[i]
		if slices.Contains(doors.Hooked(), m.Name) {
			continue
		}
		var in, out proto.Message
		if m.In != nil {
			in = m.In()
		}
		if m.Out != nil {
			out = m.Out()
		}
		f.direct(t, srv.Modules().Hooks.API(m.Name), m.Name, in, out)
	}
}

func (f *fires) direct(t *testing.T, pair *hooks.Pair, name string, in, out proto.Message) {
	t.Helper()
	if pair == nil || pair.Before == nil || pair.After == nil {
		t.Errorf("%s has no hooks", name)
		return
	}
	if _, err := pair.Before.Call(t.Context(), in); err != nil {
		t.Errorf("before %s: %v", name, err)
	}
	if err := pair.After.Call(t.Context(), out, in); err != nil {
		t.Errorf("after %s: %v", name, err)
	}
}

// realtime sends every message. One without a trigger fails the test.
func (f *fires) realtime(t *testing.T, srv *servertest.Server) {
	t.Helper()
	tried := f.messages(t, srv)
	for _, name := range socket.Hooked() {
		if !tried[name] {
			t.Errorf("no trigger is known for the message %s: add one to messages", name)
		}
	}
	for _, name := range hooks.RealtimeNames {
		if !slices.Contains(socket.Hooked(), name) {
			f.direct(t, srv.Modules().Hooks.Realtime(name), name, &rtapi.Envelope{}, &rtapi.Envelope{})
		}
	}
}

// rest fires what is neither a hook nor without a door.
func (f *fires) rest(t *testing.T, srv *servertest.Server) {
	t.Helper()
	srv.RPC(t, "fire", "")
	f.await(t, "rpc")
	srv.RPC(t, "match", "")
	f.await(t, "match")
	if a := srv.Do(t, http.MethodPost, "/fire", "", ""); a.Status != http.StatusOK {
		t.Errorf("HTTP route: %d %s", a.Status, a.Body)
	}
	f.await(t, "http")
	f.await(t, "job")
}

// slots calls the hooks that the server does not call, or only after a long time.
func (f *fires) slots(t *testing.T, srv *servertest.Server) {
	t.Helper()
	ctx, set := t.Context(), srv.Modules()
	s := &set.Hooks.Single
	s.MatchmakerOverride.Call(ctx, nil)
	s.MatchmakerProcessor.Call(ctx, nil)
	srv.User(t, "filtered").Do(t, http.MethodPut, "/v2/storage", `{"objects":[{"collection":"things","key":"key","value":"{\"a\":1}"}]}`)
	for name, err := range map[string]error{
		"Apple purchase":      s.PurchaseApple.Call(ctx, runtime.IAPNotificationRefunded, &api.ValidatedPurchase{}, &runtime.AppleNotificationData{}),
		"Google purchase":     s.PurchaseGoogle.Call(ctx, runtime.IAPNotificationRefunded, &api.ValidatedPurchase{}, &runtime.PurchaseV2GoogleResponse{}),
		"Apple subscription":  s.SubscriptionApple.Call(ctx, runtime.IAPNotificationRenewed, &api.ValidatedSubscription{}, &runtime.AppleNotificationData{}),
		"Google subscription": s.SubscriptionGoogle.Call(ctx, runtime.IAPNotificationRenewed, &api.ValidatedSubscription{}, &runtime.SubscriptionV2GoogleResponse{}),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.await(t, "storage_index_filter")
	for _, name := range []string{"tournament_end", "tournament_reset", "leaderboard_reset"} {
		f.await(t, name)
	}
}
