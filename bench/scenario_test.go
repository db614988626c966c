package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"kumi/bench/bare"
)

// startBare runs the bare server inside the test.
func startBare(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- bare.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("bare server: %v", err)
		}
	})
	return l.Addr().String()
}

// report runs the program and parses its JSON output. On a machine that is too
// busy to answer anything in a short time it measures for a longer one.
func report(t *testing.T, args ...string) *Report {
	t.Helper()
	args = append(args, "--json", "--warmup=50ms", "--settle=20ms", "--server-key=thekey", "--http-key=thehttpkey")
	var stdout, stderr bytes.Buffer
	for _, duration := range []string{"150ms", "1s", "5s", "20s"} {
		stdout.Reset()
		stderr.Reset()
		code := run(t.Context(), append(args, "--duration="+duration), &stdout, &stderr)
		if code == 0 {
			break
		}
		if !strings.Contains(stderr.String(), "no operation was answered in the measured time") || duration == "20s" {
			t.Fatalf("%q ended with %d after %s: %s", args, code, duration, stderr.String())
		}
	}
	var r Report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("%q printed %q: %v", args, stdout.String(), err)
	}
	return &r
}

// perScenario are small flags for tests.
var perScenario = map[string]string{
	"rpc-ws":        "--rpc=echo --connections=3 --inflight=2",
	"rpc-rest":      "--rpc=echo --connections=2",
	"relay":         "--players=3",
	"match":         "--rpc=make --rooms=2 --players=3",
	"match-empty":   "--rpc=make --count=5",
	"storage":       "--connections=2",
	"leaderboard":   "--rpc=make --connections=2 --count=600",
	"storage-index": "--rpc=make --connections=2 --count=600",
	"purchase":      "--connections=2 --stores=127.0.0.1:0",
	"auth":          "--connections=2",
	"idle":          "--connections=20",
	"healthcheck":   "--connections=2",
	"match-list":    "--rpc=make --count=5",
	"chat":          "--players=3",
	"hook":          "--connections=2",
	"status":        "--connections=4",
	"churn":         "--connections=6 --players=3 --users=4",
	"party":         "--rooms=2 --players=3",
	"matchmaker":    "--connections=4 --inflight=1 --waiting=3",
	"reload":        "--rpc=echo --connections=2 --count=3",
}

func TestScenariosDriveServerAndBare(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		for _, format := range []string{"json", "protobuf"} {
			t.Run(s.name+" "+format, func(t *testing.T) {
				t.Parallel()
				fake, address := startFake(t)
				flags, ok := perScenario[s.name]
				if !ok {
					t.Fatal("no flags for this scenario")
				}
				args := append([]string{s.name, "--format", format, "--address", address, "--echo", startBare(t)}, strings.Fields(flags)...)
				if runtime.GOOS == "linux" {
					args = append(args, "--pid", strconv.Itoa(os.Getpid()))
				}
				if s.plain {
					_, plain := startFake(t)
					fake.filter = true
					args = append(args, "--plain", plain)
				}
				if s.name == "churn" {
					args = append(args, "--metrics", address)
				}
				r := report(t, args...)
				seen := map[string]bool{}
				for _, n := range r.Results {
					seen[n.Target] = true
					if n.Operations == 0 || n.PerSecond <= 0 {
						t.Errorf("%s %s: nothing was done: %+v", n.Target, n.Work, n)
					}
					if n.Errors != 0 || n.FirstError != "" {
						t.Errorf("%s %s: %d errors, first %s", n.Target, n.Work, n.Errors, n.FirstError)
					}
				}
				if !seen["server"] || seen["bare"] == s.noBare {
					t.Errorf("targets driven: %v", seen)
				}
				check(t, s.name, fake)
			})
		}
	}
}

// check checks what reached the server.
func check(t *testing.T, scenario string, fake *fakeServer) {
	t.Helper()
	for _, want := range map[string][]string{
		"storage":       {"PUT /v2/storage", "POST /v2/storage"},
		"storage-index": {"POST /v2/rpc/make", "PUT /v2/storage"},
		"purchase":      {"POST /v2/iap/purchase/samsung", "POST /v2/iap/purchase/facebookinstant"},
		"leaderboard":   {"POST /v2/rpc/make", "POST /v2/leaderboard/bench", "GET /v2/leaderboard/bench"},
		"match":         {"POST /v2/rpc/make", "input " + input},
		"rpc-rest":      {"POST /v2/rpc/echo"},
		"auth":          {"POST /v2/account/authenticate/device"},
		"healthcheck":   {"GET /healthcheck"},
		"match-empty":   {"POST /v2/rpc/make"},
		"match-list":    {"GET /v2/match", "labelled"},
		"matchmaker":    {"waiting"},
		"party":         {"removed party ticket"},
		"reload":        {"POST /v2/kumi/reload"},
		"churn":         {"GET /metrics"},
	}[scenario] {
		if fake.count(want, 0) == 0 {
			t.Errorf("the server saw no %s", want)
		}
	}
}

func TestServerErrorsAreReported(t *testing.T) {
	t.Parallel()
	_, address := startFake(t)
	for _, c := range []struct{ args, want string }{
		{"rpc-ws --rpc=nobody --connections=1 --server-key=thekey --address=" + address, "RPC function not found"},
		{"rpc-rest --rpc=nobody --connections=1 --server-key=thekey --address=" + address, "status 404"},
		{"healthcheck --address=127.0.0.1:1", "connection refused"},
		{"storage --server-key=wrong --address=" + address, "Server key invalid"},
		{"match --http-key=wrong --server-key=thekey --rpc=make --rooms=1 --address=" + address, "status 401"},
		{"zebra", "unknown scenario"},
		{"storage", "nothing to drive"},
		{"storage --self-echo --duration=1h", "at most 5m"},
		{"storage --self-echo --format=xml", "unknown format"},
		{"match-empty --self-echo", "no bare counterpart"},
		{"hook --address=x", "give --plain"},
		{"hook --server-key=thekey --connections=1 --address=" + address + " --plain=" + address, `without "****"`},
		{"hook --address=x --plain=x,y", "not a process id"},
		{"status --connections=1 --server-key=thekey --address=" + address, "must be 2 or more"},
		{"churn --metrics=127.0.0.1:1 --server-key=thekey --connections=1 --address=" + address, "read metrics"},
		{"chat --self-echo --sources=0", "--sources must be 1 or more"},
		{"table", "--server must name"},
		{"table --server=/nowhere/server --only=^storage", "1 rows failed"},
		{"table --server=x --only=(", "--only"},
		{"storage --pid=999999999 --address=x", "--pid: cannot read process"},
	} {
		var stdout, stderr bytes.Buffer
		args := strings.Fields(c.args)
		if !strings.HasPrefix(c.args, "table") {
			args = append(args, "--warmup=20ms")
		}
		if !strings.Contains(c.args, "duration") {
			args = append(args, "--duration=100ms")
		}
		if code := run(t.Context(), args, &stdout, &stderr); code == 0 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%q ended with %d and %q, want %q", c.args, code, stderr.String(), c.want)
		}
	}
}

func TestRoundsAreTakenTogether(t *testing.T) {
	t.Parallel()
	r := &Report{Scenario: "x"}
	for _, round := range []struct {
		target string
		cpu    time.Duration
	}{{"server", 30}, {"bare", 10}, {"server", 50}, {"bare", 30}} {
		r.add(&target{name: round.target}, []*Result{{
			perOp: 1, hist: &histogram{total: 10}, elapsed: time.Second, cpu: round.cpu * time.Millisecond, hasCPU: true,
		}})
	}
	r.finish()
	server := r.find("", "server")
	if len(r.Results) != 2 || server.Operations != 20 || server.PerSecond != 10 || server.CPU != 4000 || server.Ratio != 2 {
		t.Errorf("two rounds gave %+v", server)
	}
	var b bytes.Buffer
	if err := r.writeTable(&b); err != nil || !strings.Contains(b.String(), "4000.0") || !strings.Contains(b.String(), "2.00") {
		t.Errorf("table is %s (%v)", b.String(), err)
	}
}
