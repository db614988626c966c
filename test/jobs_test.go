package test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/modules/golang"
	"kumi/server/servertest"
)

// The same jobs in each language: one that is asked for, which fails the first
// time it runs in a VM, one that a schedule repeats, and RPCs to ask and cancel.
var jobModules = map[string]servertest.Option{
	"javascript": servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerJob("mail", async (ctx, logger, nk, payload) => {
				logger.info("mail %s in mode %s", payload, ctx.executionMode);
			});
			initializer.registerJob("beat", (ctx, logger) => logger.info("beat"), "@every 1s");
			initializer.registerJob("broken", () => { throw new Error("no mail today"); });
			initializer.registerRpc("ask", (ctx, logger, nk, name) => nk.jobEnqueue(name, "for " + name));
			initializer.registerRpc("ask_and_cancel", (ctx, logger, nk, name) => {
				const id = nk.jobEnqueue(name, "cancelled", 3600);
				return [nk.jobCancel(id), nk.jobCancel(id)].join();
			});
			initializer.registerRpc("ask_badly", (ctx, logger, nk) => nk.jobEnqueue("mail", "", -1));
			nk.jobEnqueue("mail", "from the start");
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_job(function(ctx, payload)
			nk.logger_info("mail " .. payload .. " in mode " .. ctx.execution_mode)
		end, "mail")
		nk.register_job(function() nk.logger_info("beat") end, "beat", "@every 1s")
		nk.register_job(function() error("no mail today") end, "broken")
		nk.register_rpc(function(ctx, name) return nk.job_enqueue(name, "for " .. name) end, "ask")
		nk.register_rpc(function(ctx, name)
			local id = nk.job_enqueue(name, "cancelled", 3600)
			return tostring(nk.job_cancel(id)) .. "," .. tostring(nk.job_cancel(id))
		end, "ask_and_cancel")
		nk.register_rpc(function() return nk.job_enqueue("mail", "", -1) end, "ask_badly")
		nk.job_enqueue("mail", "from the start")`),
	"go": servertest.Flags("--runtime.env", "jobs=go"),
}

func init() { golang.Register("jobs", goJobs) }

func goJobs(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["jobs"] != "go" {
		return nil
	}
	i, queue := initializer.(golang.Initializer), nk.(*core.Module)
	type rpc = func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, string) (string, error)
	for _, err := range []error{
		i.RegisterJob("mail", "", func(ctx context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, payload string) error {
			logger.Info("mail %s in mode %s", payload, ctx.Value(runtime.RUNTIME_CTX_MODE))
			return nil
		}),
		i.RegisterJob("beat", "@every 1s", func(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ string) error {
			logger.Info("beat")
			return nil
		}),
		i.RegisterJob("broken", "", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, string) error {
			return runtime.NewError("no mail today", 13)
		}),
		i.RegisterRpc("ask", rpc(func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, name string) (string, error) {
			return queue.JobEnqueue(ctx, name, "for "+name, 0)
		})),
		i.RegisterRpc("ask_and_cancel", rpc(func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, name string) (string, error) {
			id, err := queue.JobEnqueue(ctx, name, "cancelled", 3600e9)
			if err != nil {
				return "", err
			}
			var said []string
			for range 2 {
				ok, err := queue.JobCancel(ctx, id)
				if err != nil {
					return "", err
				}
				said = append(said, map[bool]string{true: "true", false: "false"}[ok])
			}
			return strings.Join(said, ","), nil
		})),
		i.RegisterRpc("ask_badly", rpc(func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ string) (string, error) {
			return queue.JobEnqueue(ctx, "mail", "", -1)
		})),
	} {
		if err != nil {
			return err
		}
	}
	_, err := queue.JobEnqueue(ctx, "mail", "from the start", 0)
	return err
}

func TestJobs(t *testing.T) {
	t.Parallel()
	for lang, module := range jobModules {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			srv := servertest.Start(t, module, log.Keep())
			logged := func(n int, texts ...string) {
				t.Helper()
				servertest.Eventually(t, strings.Join(texts, " and "), func() bool { return len(log.Lines(texts...)) >= n })
			}
			logged(1, "mail from the start in mode job")
			logged(2, `:"beat"}`)

			if id, a := srv.RPC(t, "ask", "mail"); id == "" {
				t.Errorf("ask: %d %s", a.Status, a.Body)
			}
			logged(1, "mail for mail in mode job")
			if got, a := srv.RPC(t, "ask_and_cancel", "mail"); got != "true,false" {
				t.Errorf("cancel: %q in %d %s", got, a.Status, a.Body)
			}
			srv.RPC(t, "ask", "broken")
			logged(1, "job failed, will be retried", `"job":"broken"`, "no mail today")
			if _, a := srv.RPC(t, "ask_badly", ""); a.Status < 400 {
				t.Errorf("a negative delay: %d %s", a.Status, a.Body)
			}
			if n := len(log.Lines("mail from the start")); n != 1 {
				t.Errorf("what was asked for at the start ran %d times", n)
			}
			if err := srv.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// An invalid schedule fails the load, at its place in the source.
func TestBadSchedule(t *testing.T) {
	t.Parallel()
	_, err := servertest.TryStart(t, servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
	initializer.registerJob("j", () => {}, "now and then");
}`))
	for _, want := range []string{"index.js:2", "now and then"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the load's error is %v, want %q in it", err, want)
		}
	}
}
