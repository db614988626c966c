package modules

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/core"
	"kumi/hooks"
	"kumi/modules/golang"
	"kumi/modules/httproute"
	"kumi/store/fault"
)

// goServer loads one Go module and nothing else.
func goServer(t *testing.T, init golang.Init, change ...func(*Options)) (*part, *testServer, error) {
	t.Helper()
	w := emptyTestServer(t, nil)
	for _, f := range change {
		f(&w.options)
	}
	l := &loading{Options: w.options, nk: w.core.Module(), scope: &core.Scope{Env: w.options.Env, Node: testNode, Version: "test"}}
	w.matches.SetHandlers(l.handler)
	p := newPart("go")
	l.begin(p)
	err := l.golang(t.Context(), p, golang.Module{Name: "game", Init: init})
	return p, w, err
}

type (
	goCtx = context.Context
	goLog = runtime.Logger
	goDB  = *sql.DB
	goNK  = runtime.NakamaModule
)

func TestGoModule(t *testing.T) {
	t.Parallel()
	var late runtime.Initializer
	type seen struct {
		mode, env, user string
		db              bool
	}
	var got seen
	p, w, err := goServer(t, func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, init runtime.Initializer) error {
		late = init
		if mode := ctx.Value(runtime.RUNTIME_CTX_MODE); mode != "run_once" {
			t.Errorf("mode of InitModule: %v", mode)
		}
		cfg, err := init.GetConfig()
		return errors.Join(err,
			func() error {
				if cfg.GetName() != testNode {
					return errors.New("wrong config")
				}
				return nil
			}(),
			init.RegisterRpc("Echo", func(ctx goCtx, logger goLog, db goDB, nk goNK, payload string) (string, error) {
				got.mode, _ = ctx.Value(runtime.RUNTIME_CTX_MODE).(string)
				got.env = ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string)["mood"]
				got.user, _ = ctx.Value(runtime.RUNTIME_CTX_USER_ID).(string)
				got.db = db.PingContext(ctx) == nil
				return payload + "!", nil
			}),
			init.RegisterRpc("coded", func(goCtx, goLog, goDB, goNK, string) (string, error) {
				return "", runtime.NewError("not yours", 7)
			}),
			init.RegisterRpc("plain", func(goCtx, goLog, goDB, goNK, string) (string, error) {
				return "", errors.New("bad luck")
			}),
			init.RegisterRpc("panic", func(goCtx, goLog, goDB, goNK, string) (string, error) {
				panic("on purpose")
			}),
			init.RegisterShutdown(func(ctx goCtx, _ goLog, _ goDB, _ goNK) { panic("at the end") }),
		)
	}, func(o *Options) { o.CallTimeout = time.Minute }) // nothing here may be late on a busy machine
	if err != nil {
		t.Fatal(err)
	}
	call := func(id, payload string) (string, error) {
		return p.reg.RPC.Lookup(id).Call(core.WithScope(t.Context(), w.scope("some-user", "ann")), payload)
	}
	if out, err := call("echo", "hi"); err != nil || out != "hi!" {
		t.Errorf("got %q, %v", out, err)
	}
	if want := (seen{"rpc", "fine", "some-user", true}); got != want {
		t.Errorf("the function saw %+v", got)
	}
	for id, want := range map[string]struct {
		code    fault.Code
		message string
		logged  string
	}{
		"coded": {fault.PermissionDenied, "not yours", ""},
		"plain": {fault.Internal, "bad luck", "bad luck"},
		"panic": {fault.Internal, `internal error in RPC function "panic"`, "on purpose"},
	} {
		_, err := call(id, "")
		if fault.CodeOf(err) != want.code || fault.MessageOf(err, "") != want.message {
			t.Errorf("%s: got %d %q", id, fault.CodeOf(err), fault.MessageOf(err, ""))
		}
		if lines := w.log.Lines(`"rpc_id":"`+id+`"`, want.logged); (len(lines) > 0) != (want.logged != "") {
			t.Errorf("%s: logged %q", id, lines)
		}
	}
	if len(w.log.Lines("stack", "golang_test.go")) == 0 {
		t.Error("no stack was logged")
	}
	p.reg.Hooks.Single.Shutdown.Call(t.Context())
	err = late.RegisterRpc("late", func(goCtx, goLog, goDB, goNK, string) (string, error) { return "", nil })
	if fault.CodeOf(err) != fault.FailedPrecondition {
		t.Errorf("registered late: %v", err)
	}
}

func TestGoCallThatWaits(t *testing.T) {
	t.Parallel()
	p, w, err := goServer(t, func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		return init.RegisterRpc("slow", func(ctx goCtx, _ goLog, _ goDB, _ goNK, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
	}, func(o *Options) { o.CallTimeout = 30 * time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.reg.RPC.Lookup("slow").Call(core.WithScope(t.Context(), w.scope("some-user", "ann")), "")
	if want := `RPC function "slow" did not end within 30ms`; fault.CodeOf(err) != fault.DeadlineExceeded || fault.MessageOf(err, "") != want {
		t.Errorf("got %d %q", fault.CodeOf(err), fault.MessageOf(err, ""))
	}
	if len(w.log.Lines(`"rpc_id":"slow"`, "did not end")) == 0 {
		t.Error("nothing was logged")
	}
}

func TestGoInitFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		init golang.Init
		want string
	}{
		"error":     {func(goCtx, goLog, goDB, goNK, runtime.Initializer) error { return errors.New("no table") }, `InitModule of the Go module "game" failed: no table`},
		"panic":     {func(goCtx, goLog, goDB, goNK, runtime.Initializer) error { panic("ouch") }, `the Go module "game" panicked in InitModule: ouch`},
		"empty id":  {func(_ goCtx, _ goLog, _ goDB, _ goNK, i runtime.Initializer) error { return i.RegisterRpc("", nil) }, "the id is empty"},
		"nil":       {func(_ goCtx, _ goLog, _ goDB, _ goNK, i runtime.Initializer) error { return i.RegisterRpc("x", nil) }, "the function is nil"},
		"bad route": {func(_ goCtx, _ goLog, _ goDB, _ goNK, i runtime.Initializer) error { return i.RegisterHttp("x", nil) }, "must begin with a slash"},
		"fleet": {func(_ goCtx, _ goLog, _ goDB, _ goNK, i runtime.Initializer) error {
			return i.RegisterFleetManager(nil)
		}, "fleet manager: it is nil"},
		"index": {func(_ goCtx, _ goLog, _ goDB, _ goNK, i runtime.Initializer) error {
			return i.RegisterStorageIndex("a", "b", "", nil, nil, 1, false)
		}, "at least one field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := goServer(t, c.init); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestGoEveryHook registers every hook of the contract and calls it through the
// registry: each must arrive, under its own name and with its own messages.
func TestGoEveryHook(t *testing.T) {
	t.Parallel()
	called := map[string]int{}
	p, _, err := goServer(t, func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		v := reflect.ValueOf(init)
		for i := range v.NumMethod() {
			name := v.Type().Method(i).Name
			if !strings.HasPrefix(name, "RegisterBefore") && !strings.HasPrefix(name, "RegisterAfter") || strings.HasSuffix(name, "Rt") || strings.HasSuffix(name, "Chain") {
				continue
			}
			method := v.Method(i)
			fn := reflect.MakeFunc(method.Type().In(0), func(args []reflect.Value) []reflect.Value {
				called[name]++
				out := make([]reflect.Value, method.Type().In(0).NumOut())
				for i := range out {
					out[i] = reflect.Zero(method.Type().In(0).Out(i))
				}
				if len(out) == 2 { // a before hook gives its request back
					if args[4].IsNil() {
						t.Errorf("%s: no request", name)
					}
					out[0] = args[4]
				}
				return out
			})
			if err, _ := method.Call([]reflect.Value{fn})[0].Interface().(error); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	hooked := 0
	for _, m := range hooks.Methods {
		pair := p.reg.Hooks.API(m.Name)
		if pair == nil {
			if m.Name != "Event" { // which has no method in the contract
				t.Errorf("%s: no hooks", m.Name)
			}
			continue
		}
		hooked++
		var in, out proto.Message
		if m.In != nil {
			in = m.In()
		}
		if m.Out != nil {
			out = m.Out()
		}
		back, err := pair.Before.Call(t.Context(), in)
		if err != nil || (in != nil && back != in) {
			t.Errorf("before %s: %v, %v", m.Name, back, err)
		}
		if err := pair.After.Call(t.Context(), out, in); err != nil {
			t.Errorf("after %s: %v", m.Name, err)
		}
		if called["RegisterBefore"+m.Name] != 1 || called["RegisterAfter"+m.Name] != 1 {
			t.Errorf("%s: called before %d times, after %d times", m.Name, called["RegisterBefore"+m.Name], called["RegisterAfter"+m.Name])
		}
	}
	if 2*hooked != len(called) {
		t.Errorf("%d methods were called for %d pairs", len(called), hooked)
	}
}

func TestGoHookResults(t *testing.T) {
	t.Parallel()
	p, w, err := goServer(t, func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		return errors.Join(
			init.RegisterBeforeAddFriends(func(_ goCtx, _ goLog, _ goDB, _ goNK, in *api.AddFriendsRequest) (*api.AddFriendsRequest, error) {
				if len(in.Ids) == 0 {
					return nil, nil
				}
				if in.Ids[0] == "bad" {
					return nil, runtime.NewError("no", 9)
				}
				in.Ids = append(in.Ids, "more")
				return in, nil
			}),
			init.RegisterAfterGetAccount(func(_ goCtx, _ goLog, _ goDB, _ goNK, out *api.Account) error {
				if out == nil {
					return errors.New("no account")
				}
				panic("after")
			}),
			init.RegisterBeforeDeleteAccount(func(goCtx, goLog, goDB, goNK) error { return nil }),
			init.RegisterBeforeRt("channeljoin", func(_ goCtx, _ goLog, _ goDB, _ goNK, in *rtapi.Envelope) (*rtapi.Envelope, error) {
				in.Cid += "!"
				return in, nil
			}),
			init.RegisterAfterRt("ChannelJoin", func(_ goCtx, _ goLog, _ goDB, _ goNK, out, in *rtapi.Envelope) error {
				if out != nil || in.Cid != "1" {
					return errors.New("wrong envelopes")
				}
				return nil
			}),
			init.RegisterBeforeRt("Nothing", func(_ goCtx, _ goLog, _ goDB, _ goNK, in *rtapi.Envelope) (*rtapi.Envelope, error) { return in, nil }),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	add := p.reg.Hooks.API("AddFriends").Before
	if out, err := add.Call(t.Context(), &api.AddFriendsRequest{}); out != nil || err != nil {
		t.Errorf("a nil request must reject: %v, %v", out, err)
	}
	if _, err := add.Call(t.Context(), &api.AddFriendsRequest{Ids: []string{"bad"}}); fault.CodeOf(err) != fault.FailedPrecondition {
		t.Error(err)
	}
	if out, _ := add.Call(t.Context(), &api.AddFriendsRequest{Ids: []string{"a"}}); len(out.(*api.AddFriendsRequest).Ids) != 2 {
		t.Error(out)
	}
	if err := p.reg.Hooks.API("GetAccount").After.Call(t.Context(), &api.Account{}, nil); fault.CodeOf(err) != fault.Internal {
		t.Error(err)
	}
	if _, err := p.reg.Hooks.API("DeleteAccount").Before.Call(t.Context(), nil); err != nil {
		t.Error(err)
	}
	rt := p.reg.Hooks.Realtime("ChannelJoin")
	if out, err := rt.Before.Call(t.Context(), &rtapi.Envelope{Cid: "1"}); err != nil || out.(*rtapi.Envelope).Cid != "1!" {
		t.Error(out, err)
	}
	if err := rt.After.Call(t.Context(), nil, &rtapi.Envelope{Cid: "1"}); err != nil {
		t.Error(err)
	}
	if len(w.log.Lines("unknown realtime message", "Nothing")) != 1 {
		t.Error("no warning of a message that does not exist")
	}
}

func TestGoEventsAddUp(t *testing.T) {
	t.Parallel()
	var order []string
	handler := func(name string) func(context.Context, runtime.Logger, *api.Event) {
		return func(_ context.Context, _ runtime.Logger, e *api.Event) {
			order = append(order, name+e.Name)
			panic("ignored")
		}
	}
	p, _, err := goServer(t, func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		return errors.Join(init.RegisterEvent(handler("a")), init.RegisterEvent(handler("b")),
			init.RegisterEventSessionStart(handler("s")), init.RegisterEventSessionEnd(handler("e")))
	})
	if err != nil {
		t.Fatal(err)
	}
	e := p.reg.Hooks.Events
	for _, list := range [][]hooks.Slot[hooks.Event]{e.Custom, e.SessionStart, e.SessionEnd} {
		for _, h := range list {
			h.Call(t.Context(), &api.Event{Name: "1"})
		}
	}
	if got := strings.Join(order, " "); got != "a1 b1 s1 e1" {
		t.Error(got)
	}
}

func TestGoReplacedRegistrationIsReported(t *testing.T) {
	t.Parallel()
	fn := func(goCtx, goLog, goDB, goNK, string) (string, error) { return "", nil }
	_, w, err := goServer(t, func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		return errors.Join(init.RegisterRpc("x", fn), init.RegisterRpc("X", fn))
	})
	if err != nil || len(w.log.Lines(`RPC function \"x\"`, "shadowed")) != 1 {
		t.Error(err, w.log.Lines(""))
	}
}

func TestGoHTTPRoutes(t *testing.T) {
	t.Parallel()
	show := func(names ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			for _, n := range names {
				_, _ = w.Write([]byte(n + "=" + r.PathValue(n) + ";"))
			}
		}
	}
	p, _, err := goServer(t, func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		return errors.Join(
			init.RegisterHttp("/plain", show("x"), http.MethodGet),
			init.RegisterHttp("/items/{item-id}/parts/{part}", show("item-id", "part")),
			init.RegisterHttp("/n/{id:[0-9]{1,3}}", show("id")),
			init.RegisterHttp("/files/{path:.*}", show("path")),
			init.RegisterHttp("/v/{a}-{b}", show("a", "b")),
			init.RegisterHttp("/slash/", show("s")),
			init.RegisterHttp("/crash", func(http.ResponseWriter, *http.Request) { panic("x") }),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	serve := func(w http.ResponseWriter, r *http.Request) {
		for i := range p.reg.HTTP {
			if p.reg.HTTP[i].Match(r) {
				p.reg.HTTP[i].Handler(w, r)
				return
			}
		}
		http.NotFound(w, r)
	}
	for path, want := range map[string]string{
		"/plain":                    "200 x=;",
		"/plain/":                   "404",
		"/items/4/parts/left%20one": "200 item-id=4;part=left one;",
		"/n/123":                    "200 id=123;",
		"/n/1234":                   "404",
		"/n/x":                      "404",
		"/files/a/b.txt":            "200 path=a/b.txt;",
		"/v/1-2":                    "200 a=1;b=2;",
		"/v/12":                     "404",
		"/slash/":                   "200 s=;",
		"/slash/more":               "404",
		"/crash":                    "500",
	} {
		rec := httptest.NewRecorder()
		serve(rec, httptest.NewRequest(http.MethodGet, path, nil))
		got := strconv.Itoa(rec.Code)
		if rec.Code == http.StatusOK {
			got += " " + rec.Body.String()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for _, bad := range []string{"no-slash", "/a/{", "/a/{x:}", "/a/{x:[}", "/a/{x:(a)}"} {
		if _, err := httproute.New(bad); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
