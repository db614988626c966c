package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"kumi/config"
	"kumi/store"
)

// migrate changes or shows the schema of the configured database. --limit is the
// number of migrations; the default is all for up and one for down.
func migrate(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 {
		fmt.Fprintln(s.err, "migrate needs one of: up, down, redo, status")
		return exitUsage
	}
	verb := args[0]
	limit, rest, err := takeLimit(args[1:])
	if err != nil {
		return failed(s, err)
	}
	cfg, _, ok := load(rest, s)
	if !ok {
		return exitUsage
	}
	log, closeLog, err := newLogger(cfg, s)
	if err != nil {
		return failed(s, err)
	}
	defer closeLog()
	o := store.Options{Address: first(cfg), DataDir: cfg.DataDir, Logger: log}
	if verb == "up" {
		created, err := store.CreateDatabase(ctx, o.Address)
		if err != nil {
			return failed(s, err)
		}
		if created {
			fmt.Fprintln(s.out, "created the database")
		}
	}
	db, err := store.Open(ctx, o)
	if err != nil {
		return failed(s, err)
	}
	defer db.Close()

	m := store.NewMigrator(db)
	var done []string
	switch verb {
	case "up":
		done, err = m.Up(ctx, limit)
	case "down":
		if limit < 0 {
			limit = 1
		}
		done, err = m.Down(ctx, limit)
	case "redo":
		var id string
		if id, err = m.Redo(ctx); id != "" {
			done = []string{id}
		}
	case "status":
		return status(ctx, m, s)
	default:
		fmt.Fprintf(s.err, "migrate %s: not one of up, down, redo, status\n", verb)
		return exitUsage
	}
	for _, id := range done {
		fmt.Fprintf(s.out, "%s %s\n", verb, id)
	}
	if err != nil {
		return failed(s, err)
	}
	fmt.Fprintf(s.out, "migrations: %d\n", len(done))
	return exitOK
}

func status(ctx context.Context, m *store.Migrator, s streams) int {
	all, err := m.Status(ctx)
	if err != nil {
		return failed(s, err)
	}
	for _, st := range all {
		applied := "pending"
		if !st.Applied.IsZero() {
			applied = st.Applied.UTC().Format(time.RFC3339)
		}
		note := ""
		if st.Unknown {
			note = "  (not known to this version)"
		}
		fmt.Fprintf(s.out, "%-20s  %s%s\n", applied, st.ID, note)
	}
	return exitOK
}

// takeLimit removes --limit from the flags. It is -1 if it is not given.
func takeLimit(args []string) (limit int, rest []string, err error) {
	value, rest, err := takeFlag(args, "limit")
	if err != nil || value == "" {
		return -1, rest, err
	}
	if limit, err = strconv.Atoi(value); err != nil {
		return 0, nil, fmt.Errorf("--limit %q is not a number", value)
	}
	return limit, rest, nil
}

func first(cfg *config.Config) string {
	if len(cfg.Database.Address) == 0 {
		return ""
	}
	return cfg.Database.Address[0]
}
