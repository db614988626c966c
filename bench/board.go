package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"kumi/bench/fill"
	"kumi/bench/wire"
)

// board measures a leaderboard with --count records: it writes them to a database file,
// starts the server on it, waits until the server has counted them for the ranks, with
// lists beside, and runs the scenario leaderboard.
func board(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	t := &tabler{stderr: stderr}
	o := &options{serverKey: "defaultkey", httpKey: "defaulthttpkey", warmup: time.Second, rounds: 1, codec: wire.JSON{}}
	fs := flag.NewFlagSet("bench board", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&t.server, "server", "", "the server's program, built from bench/modules/go/server")
	fs.StringVar(&t.modules, "modules", "bench/modules", "folder of the modules")
	records := fs.Int("count", 1_000_000, "records of the board; a million takes 500 MB of disk")
	data := fs.String("data", "", "folder of a board that was filled before, or to fill and keep; empty for a temporary one")
	fs.DurationVar(&o.duration, "duration", 5*time.Second, "time that each figure is measured")
	fs.IntVar(&o.connections, "connections", 16, "connections")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if t.server == "" || *records < 1 || *records > 1<<31 {
		return errors.New("--server must name the server's program, and --count be 1 to 2 billion")
	}
	if *data == "" {
		if *data, err = os.MkdirTemp("", "bench-board-"); err != nil {
			return err
		}
		defer os.RemoveAll(*data)
	}
	if _, err := os.Stat(filepath.Join(*data, "kumi.db")); err != nil {
		began := time.Now()
		if err := fill.Board(ctx, *data, "bench", *records); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%d records written in %.0f s\n", *records, time.Since(began).Seconds())
	}
	s, err := t.start(ctx, "", *data)
	if err != nil {
		return err
	}
	defer s.stop()
	fmt.Fprintf(stdout, "server ready after %.0f ms\n", s.took.Seconds()*1000)
	o.address, o.pid, o.filled = s.address, strconv.Itoa(s.pid()), *records
	if err := counted(ctx, o, *data, *records, stdout); err != nil {
		return err
	}
	report, err := findScenario("leaderboard").measure(ctx, o, stderr)
	if err != nil {
		return err
	}
	return report.writeTable(stdout)
}

// counted waits until the server has counted the records of the board. Meanwhile it
// lists the records around random owners, ten per second.
func counted(ctx context.Context, o *options, data string, records int, stdout io.Writer) error {
	p, err := openProcesses(o.pid)
	if err != nil {
		return err
	}
	before, err := p.rss()
	if err != nil {
		return err
	}
	t := &target{address: o.address, serverKey: o.serverKey, sources: newSources(1)}
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(data, "kumi.db"))+"?_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	c := newHTTPConn(o.address)
	defer c.close()
	began, slowest := time.Now(), time.Duration(0)
	lists := 0
	for done := false; !done; lists++ {
		if err := wait(ctx, 100*time.Millisecond, nil); err != nil {
			return err
		}
		sessions, err := t.sessions(1) // a token may expire before the end
		if err != nil {
			return err
		}
		sent := time.Now()
		path := "/v2/leaderboard/bench/owner/" + fill.Owner(rand.IntN(records)).String() + "?limit=20"
		status, body, err := c.do(request("GET", path, o.address, sessions[0].bearer(), ""))
		if err != nil || status != 200 {
			return errors.Join(err, fmt.Errorf("list around an owner: %d %s", status, body))
		}
		slowest = max(slowest, time.Since(sent))
		var first sql.NullInt64 // 0 as long as the server counts; there is no table before
		err = db.QueryRowContext(ctx, "SELECT min(level) FROM kumi_rank_count WHERE board = 'bench'").Scan(&first)
		done = err == nil && first.Int64 > 0
	}
	after, err := p.rss()
	fmt.Fprintf(stdout, "counted in %.1f s, meanwhile %d lists, the slowest in %.0f ms; memory %d MB before, %d MB after\n",
		time.Since(began).Seconds(), lists, slowest.Seconds()*1000, before>>20, after>>20)
	return err
}
