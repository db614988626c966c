package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kumi/internal/testenv"
)

// server is the PostgreSQL server that the tests of one binary share.
type server struct {
	address  string // ends with the slash before a database name
	template string // a migrated database to copy
	pristine state  // what the template holds
	own      bool   // started by the tests
	stop     func()

	mu   sync.Mutex
	free []string // databases that equal the template

	restoring sync.Mutex
	dumps     map[string]string // the databases to copy, by dump
}

var shared = struct {
	sync.Once
	*server
	skip string // why there is no server
	err  error
}{}

// Main runs the tests, stops the PostgreSQL server that they may have started, runs
// the checks if the tests have passed, and exits. A leak check is one: func() error {
// return goleak.Find() }.
func Main(m *testing.M, checks ...func() error) {
	code := testenv.Run(m)
	if shared.server != nil {
		shared.close()
	}
	for _, check := range checks {
		if code != 0 {
			break
		}
		if err := check(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func start() (s *server, skip string, err error) {
	if address := os.Getenv("KUMI_TEST_POSTGRES"); address != "" {
		if s, err = external(address); err != nil {
			return nil, "", err
		}
	} else {
		bin := findBinaries()
		if bin == "" {
			return nil, "no PostgreSQL: set KUMI_TEST_POSTGRES or install the server (initdb, postgres) to run this test", nil
		}
		if s, err = run(bin, freePort); err != nil {
			return nil, "", err
		}
	}
	if err := s.makeTemplate(); err != nil {
		s.close()
		return nil, "", err
	}
	return s, "", nil
}

func external(address string) (*server, error) {
	if !strings.Contains(address, "://") {
		address = "postgres://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("KUMI_TEST_POSTGRES is not an address of the form user:password@host:port")
	}
	u.Path = "/"
	return &server{address: u.String(), stop: func() {}}, nil
}

func (s *server) close() {
	if !s.own {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, name := range slices.Concat(s.free, []string{s.template}, slices.Collect(maps.Values(s.dumps))) {
			_ = s.drop(ctx, name)
		}
	}
	s.stop()
}

// database returns the address of a database on the server.
func (s *server) database(name string) string {
	base, query, _ := strings.Cut(s.address, "?")
	if query != "" {
		query = "?" + query
	}
	return base + name + query
}

// admin runs one statement in the server's own database.
func (s *server) admin(ctx context.Context, query string) error {
	c, err := pgx.Connect(ctx, s.database("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	_, err = c.Exec(ctx, query)
	return err
}
