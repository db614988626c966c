package test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

// A fakeSatori answers like a Satori server, and keeps what it was asked.
type fakeSatori struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string
}

// The keys that the fake accepts.
const (
	satoriKey, satoriSigning, satoriServerKey = "api-key", "signing-key", "server-key"
)

var satoriAnswers = map[string]string{
	"POST /v1/authenticate": `{"token":"t","properties":{"default":{"email":"a@b"},"custom":{"c":"1"}}}`,
	"DELETE /v1/identity":   `{}`,
	"GET /v1/properties":    `{"default":{"email":"a@b"},"custom":{},"computed":{"spend":"high"}}`,
	"PUT /v1/properties":    `{}`,
	"POST /v1/event":        `{}`,
	"POST /v1/server-event": `{}`,
	"GET /v1/experiment":    `{"experiments":[{"name":"e","value":"on","labels":["l"]}]}`,
	"GET /v1/flag": `{"flags":[{"name":"a","value":"1","labels":["l"],"condition_changed":true,"change_reason":{"type":1,"name":"n","variant_name":"v"}},` +
		`{"name":"b","value":"2"}]}`,
	"GET /v1/flag/override":                   `{"flags":[{"flag_name":"a","overrides":[{"type":4,"name":"o","variant_name":"v","value":"1","create_time_sec":"1700000000"}]}]}`,
	"GET /v1/live-event":                      `{"live_events":[{"name":"fair","value":"x","id":"1","active_start_time_sec":"10","active_end_time_sec":"20","duration_sec":"10","status":1}],"explicit_join_live_events":[{"name":"race","id":"2","status":2}]}`,
	"POST /v1/live-event/2%2Fx/participation": `{}`,
	"GET /v1/message":                         `{"messages":[{"id":"m","send_time":"5","text":"hello","metadata":{"k":"v"}}],"next_cursor":"next","cacheable_cursor":"later"}`,
	"PUT /v1/message/m":                       `{}`,
	"DELETE /v1/message/m":                    `{}`,
	"POST /v1/console/message-direct":         `{"delivery_results":[{"recipient_id":"ann","integration_results":[{"integration_type":1,"success":true}]}]}`,
}

func startSatori(t *testing.T) *fakeSatori {
	f := &fakeSatori{}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeSatori) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	call := r.Method + " " + r.URL.EscapedPath()
	who, ok := f.caller(r)
	if !ok {
		http.Error(w, `{"code":16,"message":"bad key"}`, http.StatusUnauthorized)
		return
	}
	if strings.HasPrefix(who, "status") {
		http.Error(w, "as asked", map[string]int{"status404": 404, "status500": 500, "status400": 400, "status429": 429}[who])
		return
	}
	line := call + " by " + who
	if r.URL.RawQuery != "" {
		line += " ?" + r.URL.RawQuery
	}
	if ip := r.Header.Get("X-Forwarded-For"); ip != "" && !strings.HasPrefix(ip, "127.") {
		line += " from " + ip
	}
	if len(body) > 0 {
		line += " " + string(withoutIDs(body))
	}
	f.mu.Lock()
	f.calls = append(f.calls, line)
	f.mu.Unlock()
	answer, known := satoriAnswers[call]
	if !known {
		http.Error(w, "no such path", http.StatusNotFound)
		return
	}
	fmt.Fprint(w, answer)
}

// caller is who a request comes from: the holder of a key, or an identity.
func (f *fakeSatori) caller(r *http.Request) (who string, ok bool) {
	if key, _, basic := r.BasicAuth(); basic {
		return key, key == satoriKey || key == satoriServerKey && strings.HasPrefix(r.URL.Path, "/v1/console/")
	}
	text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims := jwt.MapClaims{}
	if _, err := jwt.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return []byte(satoriSigning), nil }); err != nil {
		return "", false
	}
	return fmt.Sprint(claims["iid"]), claims["api"] == "key-name"
}

// withoutIDs sorts the keys of a body, and takes away the ids that events get.
func withoutIDs(body []byte) []byte {
	var v map[string]any
	_ = json.Unmarshal(body, &v)
	events, _ := v["events"].([]any)
	for _, e := range events {
		event := e.(map[string]any)
		if id, _ := event["id"].(string); len(id) == 36 {
			event["id"] = "made"
		}
	}
	out, _ := json.Marshal(v)
	return out
}

func (f *fakeSatori) takeCalls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *fakeSatori) flags(more ...string) servertest.Option {
	return servertest.Flags(append([]string{"--satori.url", f.URL + "/", "--satori.api_key_name", "key-name", "--satori.api_key", satoriKey,
		"--satori.signing_key", satoriSigning, "--satori.server_key", satoriServerKey}, more...)...)
}

// Each language calls every function, with the same arguments, and returns what it got.
var satoriModules = map[string]servertest.Option{
	"javascript": servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("satori", (ctx, logger, nk) => {
				const s = nk.getSatori();
				const out = {
					authenticate: s.authenticate("ann", { default: { email: "a@b" }, custom: { c: "1" } }, false, "10.1.2.3"),
					properties: s.propertiesGet("ann"),
				};
				s.propertiesUpdate("ann", { custom: { c: "2" }, recompute: true });
				s.eventsPublish("ann", [{ name: "won", value: "3", metadata: { k: "v" }, timestamp: 1700000000 }], "2001:db8::1");
				s.serverEventsPublish([{ name: "up", id: "1", timestamp: 1700000000, identityId: "ann", sessionId: "s", sessionIssuedAt: 5, sessionExpiresAt: 6 }]);
				out.experiments = s.experimentsList("ann").experiments;
				out.flags = s.flagsList("ann").flags;
				out.flag = s.flagsList("ann", ["b"]).flags;
				out.labelled = s.flagsList("ann", [], ["l"]).flags.length;
				out.defaults = s.flagsList(null, ["b", "a"]).flags.length;
				out.overrides = s.flagsOverridesList("ann", null, ["l"]).flags;
				const live = s.liveEventsList("ann", ["fair"], null, 1, 2, 3, 4);
				out.live = live.liveEvents; out.join = live.explicitJoinLiveEvents.length;
				s.liveEventJoin("ann", "2/x");
				const m = s.messagesList("ann", 10, true, "cursor", ["m"]);
				out.messages = m.messages; out.next = m.nextCursor; out.later = m.cacheableCursor;
				s.messageUpdate("ann", "m", 7, 8);
				s.messageDelete("ann", "m");
				s.identityDelete("ann");
				return JSON.stringify(out);
			});
			initializer.registerRpc("fails", (ctx, logger, nk, who) => {
				try { nk.getSatori().flagsList(who) } catch (e) { return e.code + " " + e.message }
			});
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function()
			local s = nk.get_satori()
			local out = {
				authenticate = s.authenticate("ann", { email = "a@b" }, { c = "1" }, false, "10.1.2.3"),
				properties = s.properties_get("ann"),
			}
			s.properties_update("ann", { custom = { c = "2" }, recompute = true })
			s.events_publish("ann", {{ name = "won", value = "3", metadata = { k = "v" }, timestamp = 1700000000 }}, "2001:db8::1")
			s.server_events_publish({{ name = "up", id = "1", timestamp = 1700000000, identity_id = "ann", session_id = "s", session_issued_at = 5, session_expires_at = 6 }})
			out.experiments = s.experiments_list("ann")
			out.flags = s.flags_list("ann")
			out.flag = s.flags_list("ann", { "b" })
			out.labelled = #s.flags_list("ann", {}, { "l" })
			out.defaults = #s.flags_list(nil, { "b", "a" })
			out.overrides = s.flags_overrides_list("ann", nil, { "l" })
			local live = s.live_events_list("ann", { "fair" }, nil, 1, 2, 3, 4)
			out.live, out.join = live.live_events, #live.explicit_join_live_events
			s.live_event_join("ann", "2/x")
			out.messages, out.next, _, out.later = s.messages_list("ann", 10, true, "cursor", { "m" })
			s.message_update("ann", "m", 7, 8)
			s.message_delete("ann", "m")
			s.identity_delete("ann")
			return nk.json_encode(out)
		end, "satori")
		nk.register_rpc(function(ctx, who)
			local ok, e = pcall(nk.get_satori().flags_list, who)
			return tostring(e)
		end, "fails")`),
	"go": servertest.Flags("--runtime.env", "satori=go"),
}

func init() { golang.Register("satori", goSatori) }

func goSatori(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["satori"] != "go" {
		return nil
	}
	return errors.Join(
		initializer.RegisterRpc("satori", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, _ string) (string, error) {
			return askSatori(ctx, nk.GetSatori())
		}),
		initializer.RegisterRpc("fails", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, who string) (string, error) {
			_, err := nk.GetSatori().FlagsList(ctx, who, nil, nil)
			return err.Error(), nil
		}),
		initializer.RegisterRpc("direct", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, _ string) (string, error) {
			out, err := nk.GetSatori().ConsoleDirectMessageSend(ctx, "template", []string{"ann"}, []runtime.SatoriMessageIntegration{runtime.SatoriMessageIntegrationFCM}, true,
				map[runtime.SatoriMessageIntegration]*runtime.SatoriMessageIntegrationChannels{runtime.SatoriMessageIntegrationFCM: {Channels: []runtime.SatoriMessageIntegrationChannel{runtime.SatoriMessageIntegrationChannelPush}}},
				&runtime.SatoriMessageTemplateOverride{Title: "Hi", Variants: map[string]*runtime.SatoriMessageTemplateOverride{"de": {Title: "Hallo"}}})
			if err != nil {
				return "", err
			}
			return fmt.Sprint(out.DeliveryResults[0].RecipientID, out.DeliveryResults[0].IntegrationResults[0].Success), nil
		}),
	)
}

func askSatori(ctx context.Context, s runtime.Satori) (string, error) {
	var errs []error
	check := func(err error) { errs = append(errs, err) }
	properties := func(p *runtime.Properties) any {
		return map[string]any{"default": p.Default, "custom": p.Custom, "computed": p.Computed}
	}
	flags := func(l *runtime.FlagList) (out []any) {
		for _, f := range l.Flags {
			m := map[string]any{"name": f.Name, "value": f.Value, "conditionChanged": f.ConditionChanged}
			if r := f.ValueChangeReason; r != nil {
				m["changeReason"] = map[string]any{"name": r.Name, "type": r.Type, "variantName": r.VariantName, "variant_name": r.VariantName}
			}
			out = append(out, m)
		}
		return out
	}
	authenticated, err := s.Authenticate(ctx, "ann", map[string]string{"email": "a@b"}, map[string]string{"c": "1"}, false, "10.1.2.3")
	check(err)
	p, err := s.PropertiesGet(ctx, "ann")
	check(err)
	recompute := true
	check(s.PropertiesUpdate(ctx, "ann", &runtime.PropertiesUpdate{Custom: map[string]string{"c": "2"}, Recompute: &recompute}))
	check(s.EventsPublish(ctx, "ann", []*runtime.Event{{Name: "won", Value: "3", Metadata: map[string]string{"k": "v"}, Timestamp: 1700000000}}, "2001:db8::1"))
	check(s.ServerEventsPublish(ctx, []*runtime.Event{{Name: "up", Id: "1", Timestamp: 1700000000, IdentityId: "ann", SessionId: "s", SessionIssuedAt: 5, SessionExpiresAt: 6}}))
	experiments, err := s.ExperimentsList(ctx, "ann", nil, nil)
	check(err)
	all, err := s.FlagsList(ctx, "ann", nil, nil)
	check(err)
	one, err := s.FlagsList(ctx, "ann", []string{"b"}, nil)
	check(err)
	labelled, err := s.FlagsList(ctx, "ann", nil, []string{"l"})
	check(err)
	defaults, err := s.FlagsList(ctx, "", []string{"b", "a"}, nil)
	check(err)
	overrides, err := s.FlagsOverridesList(ctx, "ann", nil, []string{"l"})
	check(err)
	live, err := s.LiveEventsList(ctx, "ann", []string{"fair"}, nil, 1, 2, 3, 4)
	check(err)
	check(s.LiveEventJoin(ctx, "ann", "2/x"))
	messages, err := s.MessagesList(ctx, "ann", 10, true, "cursor", []string{"m"})
	check(err)
	check(s.MessageUpdate(ctx, "ann", "m", 7, 8))
	check(s.MessageDelete(ctx, "ann", "m"))
	check(s.IdentityDelete(ctx, "ann"))
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	o, le, m := overrides.Flags[0].Overrides[0], live.LiveEvents[0], messages.Messages[0]
	out, err := json.Marshal(map[string]any{
		"authenticate": properties(authenticated), "properties": properties(p),
		"experiments": []any{map[string]any{"name": experiments.Experiments[0].Name, "value": experiments.Experiments[0].Value}},
		"flags":       flags(all), "flag": flags(one), "labelled": len(labelled.Flags), "defaults": len(defaults.Flags),
		"overrides": []any{map[string]any{"flagName": overrides.Flags[0].FlagName, "overrides": []any{map[string]any{
			"name": o.Name, "type": o.Type, "variantName": o.VariantName, "value": o.Value, "createTimeSec": o.CreateTimeSec}}}},
		"live": []any{map[string]any{"name": le.Name, "description": le.Description, "value": le.Value, "activeStartTime": le.ActiveStartTimeSec, "activeEndTime": le.ActiveEndTimeSec,
			"id": le.Id, "startTime": le.StartTimeSec, "endTime": le.EndTimeSec, "duration": le.DurationSec, "resetCron": le.ResetCronExpr, "status": le.Status.String()}},
		"join": len(live.ExplicitJoinLiveEvents),
		"messages": []any{map[string]any{"scheduleId": m.ScheduleId, "sendTime": m.SendTime, "metadata": m.Metadata, "createTime": m.CreateTime, "updateTime": m.UpdateTime,
			"readTime": m.ReadTime, "consumeTime": m.ConsumeTime, "text": m.Text, "id": m.Id, "title": m.Title, "imageUrl": m.ImageUrl}},
		"next": messages.NextCursor, "later": messages.CacheableCursor,
	})
	return string(out), err
}

// What every language returns, and what the fake was asked. Flags are asked for once:
// the others are in the call's cache.
const satoriResult = `{"authenticate":{"computed":{},"custom":{"c":"1"},"default":{"email":"a@b"}},"defaults":2,"experiments":[{"name":"e","value":"on"}],` +
	`"flag":[{"conditionChanged":false,"name":"b","value":"2"}],` +
	`"flags":[{"changeReason":{"name":"n","type":1,"variantName":"v","variant_name":"v"},"conditionChanged":true,"name":"a","value":"1"},{"conditionChanged":false,"name":"b","value":"2"}],` +
	`"join":1,"labelled":1,"later":"later","live":[{"activeEndTime":20,"activeStartTime":10,"description":"","duration":10,"endTime":0,"id":"1","name":"fair","resetCron":"","startTime":0,"status":"ACTIVE","value":"x"}],` +
	`"messages":[{"consumeTime":0,"createTime":0,"id":"m","imageUrl":"","metadata":{"k":"v"},"readTime":0,"scheduleId":"","sendTime":5,"text":"hello","title":"","updateTime":0}],` +
	`"next":"next","overrides":[{"flagName":"a","overrides":[{"createTimeSec":1700000000,"name":"o","type":4,"value":"1","variantName":"v"}]}],` +
	`"properties":{"computed":{"spend":"high"},"custom":{},"default":{"email":"a@b"}}}`

var satoriCalls = []string{
	`POST /v1/authenticate by api-key from 10.1.2.3 {"custom":{"c":"1"},"default":{"email":"a@b"},"id":"ann"}`,
	`GET /v1/properties by ann`,
	`PUT /v1/properties by ann {"custom":{"c":"2"},"recompute":true}`,
	`POST /v1/event by ann from 2001:db8::1 {"events":[{"id":"made","metadata":{"k":"v"},"name":"won","timestamp":"2023-11-14T22:13:20Z","value":"3"}]}`,
	`POST /v1/server-event by api-key {"events":[{"id":"1","identity_id":"ann","name":"up","session_expires_at":6,"session_id":"s","session_issued_at":5,"timestamp":"2023-11-14T22:13:20Z"}]}`,
	`GET /v1/experiment by ann`,
	`GET /v1/flag by ann`,
	`GET /v1/flag by api-key ?names=a&names=b`,
	`GET /v1/flag/override by ann ?labels=l`,
	`GET /v1/live-event by ann ?end_time_sec=4&future_run_count=2&names=fair&past_run_count=1&start_time_sec=3`,
	`POST /v1/live-event/2%2Fx/participation by ann`,
	`GET /v1/message by ann ?cursor=cursor&forward=true&limit=10&message_ids=m`,
	`PUT /v1/message/m by ann {"consume_time":8,"read_time":7}`,
	`DELETE /v1/message/m by ann`,
	`DELETE /v1/identity by ann`,
}

// camelKeys gives a result of Lua the spelling of JavaScript.
func camelKeys(text string) string {
	var convert func(v any) any
	convert = func(v any) any {
		switch v := v.(type) {
		case []any:
			for i := range v {
				v[i] = convert(v[i])
			}
		case map[string]any:
			out := map[string]any{}
			for k, x := range v {
				parts := strings.Split(k, "_")
				for i := 1; i < len(parts); i++ {
					parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
				}
				out[strings.Join(parts, "")] = convert(x)
			}
			delete(out, "activeTimeEnd") // the name that Nakama has in Lua
			if out["variantName"] != nil && out["value"] == nil {
				out["variant_name"] = out["variantName"] // in JavaScript only
			}
			return out
		}
		return v
	}
	var v any
	_ = json.Unmarshal([]byte(text), &v)
	out, _ := json.Marshal(convert(v))
	return string(out)
}

// Every function of Satori's client works in every language, and sends the same.
func TestSatori(t *testing.T) {
	t.Parallel()
	for language, module := range satoriModules {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			fake := startSatori(t)
			srv := servertest.Start(t, module, fake.flags())
			got, a := srv.RPC(t, "satori", "")
			if language == "lua" {
				got = camelKeys(got)
			}
			if sorted(got) != satoriResult {
				t.Errorf("%s in %s\nwant %s", sorted(got), a.Body, satoriResult)
			}
			if calls := fake.takeCalls(); !slices.Equal(calls, satoriCalls) {
				t.Errorf("Satori was asked\n%s\nwant\n%s", strings.Join(calls, "\n"), strings.Join(satoriCalls, "\n"))
			}
			for who, want := range map[string]string{
				"status404": "404 status code: as asked", "status500": "500 status code", "status400": "400 status code", "status429": "429 status code",
			} {
				if got, a := srv.RPC(t, "fails", who); !strings.Contains(got, want) || !strings.Contains(got, "GET /v1/flag of Satori") {
					t.Errorf("%s: %q in %s", who, got, a.Body)
				}
			}
			if language == "go" {
				if got, a := srv.RPC(t, "direct", ""); got != "anntrue" {
					t.Errorf("direct message: %s", a.Body)
				}
				want := `POST /v1/console/message-direct by server-key {"channels":{"1":{"channels":[1]}},"identity_ids":["ann"],"integrations":[1],"persist":true,"template_id":"template","template_override":{"title":"Hi","variants":{"de":{"title":"Hallo"}}}}`
				if calls := fake.takeCalls(); !slices.Equal(calls, []string{want}) {
					t.Errorf("Satori was asked %q", calls)
				}
			}
		})
	}
}

// Modules learn why a call of Satori failed; clients do not.
func TestSatoriFails(t *testing.T) {
	t.Parallel()
	fake := startSatori(t)
	for name, c := range map[string]struct {
		flags servertest.Option
		want  string
	}{
		"none":  {servertest.Flags(), "satori configuration is invalid"},
		"key":   {fake.flags("--satori.signing_key", "other"), "401 status code"},
		"alone": {fake.flags("--satori.url", "http://127.0.0.1:1"), "connection refused"},
	} {
		for language, module := range satoriModules {
			t.Run(name+"/"+language, func(t *testing.T) {
				t.Parallel()
				srv := servertest.Start(t, module, c.flags)
				if got, a := srv.RPC(t, "fails", "ann"); !strings.Contains(got, c.want) {
					t.Errorf("%q in %s, want %q", got, a.Body, c.want)
				}
				if _, a := srv.RPC(t, "satori", ""); a.Status == http.StatusOK || a.Status == http.StatusUnauthorized || strings.Contains(a.Body, base64.StdEncoding.EncodeToString([]byte(satoriKey))) {
					t.Errorf("the caller gets %d %s", a.Status, a.Body)
				}
			})
		}
	}
}

// The settings of the client have their effect.
func TestSatoriSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags []string
		calls int // of three RPCs that list flags twice each
	}{
		"context":  {nil, 3},
		"time":     {[]string{"--satori.cache_mode", "time"}, 1},
		"disabled": {[]string{"--satori.cache_disabled"}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startSatori(t)
			srv := servertest.Start(t, fake.flags(c.flags...), servertest.Module("main.lua", `
				local nk = require("nakama")
				nk.register_rpc(function()
					nk.get_satori().flags_list("ann")
					return nk.get_satori().flags_list("ann")[1].value
				end, "flag")`))
			for range 3 {
				if got, a := srv.RPC(t, "flag", ""); got != "1" {
					t.Fatalf("%s", a.Body)
				}
			}
			if calls := fake.takeCalls(); len(calls) != c.calls {
				t.Errorf("Satori was asked %d times, want %d", len(calls), c.calls)
			}
		})
	}

	var attempts atomic.Int64
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if attempts.Add(1) == 1 {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		select {
		case <-r.Context().Done(): // the client has given up
		case <-t.Context().Done():
		}
	}))
	t.Cleanup(slow.Close)
	srv := servertest.Start(t, satoriModules["javascript"], servertest.Flags("--satori.url", slow.URL, "--satori.api_key_name", "n", "--satori.api_key", "k", "--satori.signing_key", "s",
		"--satori.retry_count", "1", "--satori.http_timeout_ms", "300"))
	if got, a := srv.RPC(t, "fails", "ann"); !strings.HasPrefix(got, "4 ") || !strings.Contains(got, "no response within 300ms") || attempts.Load() != 2 {
		t.Errorf("%q after %d attempts: %s", got, attempts.Load(), a.Body)
	}
}
