package storetest

import (
	"net"
	"testing"

	"github.com/jackc/pgx/v5"

	"kumi/internal/testenv"
)

// A port that was free when it was picked may be taken before PostgreSQL listens on it:
// by any program, or by the PostgreSQL of another package's tests.
func TestPortIsTaken(t *testing.T) {
	t.Parallel()
	bin := findBinaries()
	if bin == "" {
		testenv.Skip(t, "no PostgreSQL")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	other, err := run(bin, freePort)
	if err != nil {
		t.Fatal(err)
	}
	defer other.stop()
	config, err := pgx.ParseConfig(other.database("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	taken := []int{l.Addr().(*net.TCPAddr).Port, int(config.Port)}
	s, err := run(bin, func() (int, error) {
		if len(taken) > 0 {
			port := taken[0]
			taken = taken[1:]
			return port, nil
		}
		return freePort()
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	if len(taken) > 0 || s.address == other.address {
		t.Errorf("the server is at %s, that before it at %s", s.address, other.address)
	}
	if err := s.admin(t.Context(), "SELECT 1"); err != nil {
		t.Error(err)
	}
}
