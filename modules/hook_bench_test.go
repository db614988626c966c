package modules

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core"
	"kumi/match"
	"kumi/presence"
)

func storageRequest() *api.WriteStorageObjectsRequest {
	r := &api.WriteStorageObjectsRequest{}
	for i := range 3 {
		r.Objects = append(r.Objects, &api.WriteStorageObject{
			Collection: "saves", Key: fmt.Sprintf("slot %d", i), Value: `{"level":12,"name":"somebody"}`,
			PermissionRead: wrapperspb.Int32(1), PermissionWrite: wrapperspb.Int32(1)})
	}
	return r
}

// BenchmarkBeforeHook is a before hook that changes one field of three objects,
// in each language, beside the same change by way of JSON text, as a hook that
// gets and returns JSON would need it.
func BenchmarkBeforeHook(b *testing.B) {
	w := newTestServer(b, map[string]string{
		"index.js": `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerBeforeWriteStorageObjects((ctx, logger, nk, r) => { for (const o of r.objects) o.collection = "x"; return r });
			initializer.registerRpc("js", (ctx, logger, nk, payload) => payload); }`,
	})
	l := newTestServer(b, map[string]string{
		"a.lua": `local nk = require("nakama"); nk.register_req_before(function (ctx, r) for _, o in ipairs(r.objects) do o.collection = "x" end return r end, "WriteStorageObjects")
			nk.register_rpc(function (ctx, payload) return payload end, "lua")`,
	})
	in := storageRequest()
	for lang, w := range map[string]*testServer{"javascript": w, "lua": l} {
		ctx := core.WithMode(context.Background(), w.scope("00000000-0000-4000-8000-000000000001", "me"), "before")
		hook := w.Hooks.API("WriteStorageObjects").Before.Call
		b.Run(lang, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if out, err := hook(ctx, in); err != nil || out == nil {
					b.Fatal(out, err)
				}
			}
		})
		rpc := w.RPC.All()[0].Call
		b.Run(lang+" empty RPC", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rpc(ctx, "payload"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("JSON text, no script", func(b *testing.B) {
		b.ReportAllocs()
		out := protojson.MarshalOptions{EmitUnpopulated: true, UseEnumNumbers: true}
		for b.Loop() {
			text, err := out.Marshal(in)
			if err != nil {
				b.Fatal(err)
			}
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				b.Fatal(err)
			}
			for _, o := range m["objects"].([]any) {
				o.(map[string]any)["collection"] = "x"
			}
			if text, err = json.Marshal(m); err != nil {
				b.Fatal(err)
			}
			back := proto.Clone(in)
			proto.Reset(back)
			if err := protojson.Unmarshal(text, back); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// still is a match that nobody runs.
type still struct{ match.Dispatcher }

func (still) MatchID() string { return "00000000-0000-4000-8000-000000000001." + testNode }
func (still) Node() string    { return testNode }
func (still) Label() string   { return "" }
func (still) TickRate() int   { return 10 }

// BenchmarkMatchTick is a match's loop without and with messages.
func BenchmarkMatchTick(b *testing.B) {
	w := newTestServer(b, map[string]string{
		"index.js": `function InitModule(ctx, logger, nk, initializer) { initializer.registerMatch("tick_js", {
			matchInit: () => ({state: {n: 0}, tickRate: 10}), matchJoinAttempt: (c, l, n, d, t, state) => ({state, accept: true}),
			matchJoin: (c, l, n, d, t, state) => ({state}), matchLeave: (c, l, n, d, t, state) => ({state}),
			matchLoop: (c, l, n, d, t, state, messages) => { for (const m of messages) state.n += m.opCode; return {state} },
			matchTerminate: () => null, matchSignal: (c, l, n, d, t, state) => ({state}) }) }`,
		"tick.lua": `local M = {}; function M.match_init() return {n = 0}, 10, "" end; function M.match_join_attempt(_, _, _, s) return s, true end
			function M.match_join(_, _, _, s) return s end; function M.match_leave(_, _, _, s) return s end
			function M.match_loop(_, _, _, s, messages) for _, m in ipairs(messages) do s.n = s.n + m.op_code end return s end
			function M.match_terminate() end; function M.match_signal(_, _, _, s) return s end; return M`,
	})
	who := &presence.Presence{ID: presence.ID{Node: testNode}, Meta: presence.Meta{Username: "me"}}
	for _, name := range []string{"tick_js", "tick"} {
		for _, n := range []int{0, 10} {
			b.Run(fmt.Sprintf("%s %d messages", name, n), func(b *testing.B) {
				g, err := w.Matches[name](context.Background(), still{})
				if err != nil {
					b.Fatal(err)
				}
				defer g.Close()
				ctx := context.Background()
				if _, _, err := g.Init(ctx, map[string]any{}); err != nil {
					b.Fatal(err)
				}
				messages := make([]*match.Data, n)
				for i := range messages {
					messages[i] = &match.Data{Presence: who, OpCode: 5, Data: []byte("hello there")}
				}
				b.ReportAllocs()
				tick := int64(0)
				for b.Loop() {
					if alive, err := g.Loop(ctx, tick, messages); !alive || err != nil {
						b.Fatal(alive, err)
					}
					tick++
				}
			})
		}
	}
}
