package fleet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kumi/internal/testutil"
)

// The test binary is the game server that the tests start: FLEET_TEST says what it
// does.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FLEET_TEST"); mode != "" {
		game(mode)
		return
	}
	os.Exit(m.Run())
}

func game(mode string) {
	switch mode {
	case "serve":
		fmt.Println("loading")
		fmt.Println("@fleet ready")
		players := 0
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			var j join
			if err := json.Unmarshal(lines.Bytes(), &j); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			players += len(j.Sessions)
			fmt.Fprintf(os.Stderr, "joins %s %s\n", j.Sessions[0].UserId, j.Metadata["team"])
			fmt.Println("@fleet players", players)
		}
	case "late": // reads nothing until a file is there
		fmt.Println("@fleet ready")
		for {
			if _, err := os.Stat("read"); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		game("serve")
	case "start", "silent":
		_ = bufio.NewScanner(os.Stdin).Scan() // until it is closed
	case "port":
		l, err := net.Listen("tcp", ":"+os.Getenv("FLEET_PORT"))
		if err != nil {
			panic(err)
		}
		defer l.Close()
		_ = bufio.NewScanner(os.Stdin).Scan()
	case "crash":
		fmt.Print("no such map") // without an end of line
		os.Exit(3)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("@fleet ready")
		time.Sleep(time.Hour)
	case "left": // prints nothing: no one may read it any more
		signal.Ignore(syscall.SIGTERM)
		time.Sleep(time.Hour)
	case "flood":
		for i := range 500 {
			fmt.Println("line", i)
		}
		fmt.Println(strings.Repeat("x", 3*maxLine))
		fmt.Println("@fleet nonsense")
		fmt.Println("@fleet players 1000")
		fmt.Println("@fleet ready")
		_ = bufio.NewScanner(os.Stdin).Scan()
	case "env":
		out, _ := json.Marshal(map[string]any{
			"args": os.Args[1:], "port": os.Getenv("FLEET_PORT"), "max": os.Getenv("FLEET_MAX_PLAYERS"), "given": json.RawMessage(os.Getenv("FLEET_METADATA")),
			"id": os.Getenv("FLEET_INSTANCE_ID"), "extra": os.Getenv("EXTRA"), "secret": os.Getenv("KUMI_SECRET"), "dir": dir(),
		})
		fmt.Printf("@fleet metadata %s\n@fleet ready\n", out)
		_ = bufio.NewScanner(os.Stdin).Scan()
	case "memory":
		held := make([]byte, 100<<20)
		for i := range held {
			held[i] = 1
		}
		fmt.Println("@fleet ready")
		_ = bufio.NewScanner(os.Stdin).Scan()
		fmt.Println(held[5])
	case "family": // starts a process that does not end with it
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "FLEET_TEST=left")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Printf("@fleet metadata {\"pids\":[%d,%d]}\n", os.Getpid(), child.Process.Pid)
		fmt.Println("@fleet ready")
		time.Sleep(time.Hour)
	case "server": // a server with one game server
		m, err := New(options("family"))
		if err != nil {
			panic(err)
		}
		r := <-create(m, 1, nil, nil)
		out, _ := json.Marshal(r.info.Metadata["pids"])
		fmt.Println(string(out))
		time.Sleep(time.Hour)
	}
}

func dir() string {
	d, _ := os.Getwd()
	return d
}

// options are those of tests; a server started by a test has the same name as the
// test's.
func options(mode string) Options {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	name := os.Getenv("FLEET_TEST_NAME")
	if name == "" {
		name = fmt.Sprint("test ", os.Getpid())
	}
	return Options{
		Command: exe, Env: []string{"FLEET_TEST=" + mode}, Address: "127.0.0.1", PortMin: 20_000, PortMax: 29_999, MaxInstances: 10,
		Ready: ReadyLine, ReadyText: "@fleet ready", StartTimeout: time.Minute, StopGrace: time.Minute, LogLines: 50, Name: name,
	}
}

// start makes a manager of game servers that do what mode says.
func start(t *testing.T, mode string, change ...func(*Options)) (*Manager, *testutil.Log) {
	t.Helper()
	log := &testutil.Log{}
	o := options(mode)
	o.Logger = zerolog.New(log)
	for _, c := range change {
		c(&o)
	}
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Close(t.Context()) // has ended: it kills
		if n := len(m.instances); n > 0 {
			t.Errorf("%d game servers are left", n)
		}
	})
	return m, log
}
