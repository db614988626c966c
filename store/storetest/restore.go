package storetest

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Restore returns the address of a database for this test alone that is restored from
// a dump of pg_dump, compressed by gzip, or skips the test if there is no PostgreSQL. A
// dump is restored once per test binary and copied from then on.
func Restore(t testing.TB, dump string) string {
	t.Helper()
	s := require(t)
	template, err := s.restored(t.Context(), dump)
	if err != nil {
		t.Fatalf("restore %s: %v", dump, err)
	}
	return s.temporary(t, template)
}

// restored returns the database to copy for a dump.
func (s *server) restored(ctx context.Context, dump string) (string, error) {
	s.restoring.Lock()
	defer s.restoring.Unlock()
	if name, ok := s.dumps[dump]; ok {
		return name, nil
	}
	name := randomName()
	if err := s.create(ctx, name, "template0"); err != nil {
		return "", err
	}
	if err := restore(ctx, s.database(name), dump); err != nil {
		return "", errors.Join(err, s.drop(context.WithoutCancel(ctx), name))
	}
	if s.dumps == nil {
		s.dumps = map[string]string{}
	}
	s.dumps[dump] = name
	return name, nil
}

func restore(ctx context.Context, address, dump string) error {
	db, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer db.Close(context.WithoutCancel(ctx))
	file, err := os.Open(dump)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	lines := bufio.NewReader(unzipped)
	var statement strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
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
			_, err = db.PgConn().CopyFrom(ctx, &copied{lines: lines}, text)
		} else {
			_, err = db.PgConn().Exec(ctx, text).ReadAll()
		}
		if err != nil {
			return fmt.Errorf("%.200s: %w", text, err)
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
