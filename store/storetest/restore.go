package storetest

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Restore restores a dump of pg_dump, compressed by gzip, into an empty database and
// returns its address, or skips the test if there is no PostgreSQL.
func Restore(t testing.TB, dump string) string {
	t.Helper()
	address := EmptyPostgres(t)
	db, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	file, err := os.Open(dump)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(unzipped)
	var statement strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return address
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "--") || strings.HasPrefix(line, `\`) {
			continue // comments, and commands of psql
		}
		statement.WriteString(line)
		text := strings.TrimSpace(statement.String())
		if !strings.HasSuffix(text, ";") {
			continue
		}
		statement.Reset()
		if strings.HasPrefix(text, "COPY ") {
			_, err = db.PgConn().CopyFrom(t.Context(), &copied{lines: lines}, text)
		} else {
			_, err = db.PgConn().Exec(t.Context(), text).ReadAll()
		}
		if err != nil {
			t.Fatalf("%.200s: %v", text, err)
		}
	}
}

// copied reads the rows that follow a COPY.
type copied struct {
	lines *bufio.Reader
	rest  string
	ended bool
}

func (c *copied) Read(p []byte) (int, error) {
	if c.rest == "" && !c.ended {
		line, err := c.lines.ReadString('\n')
		if err != nil {
			return 0, err
		}
		if line == "\\.\n" {
			c.ended = true
		} else {
			c.rest = line
		}
	}
	if c.ended {
		return 0, io.EOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
