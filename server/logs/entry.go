package logs

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Entry is a line of the log, read.
type Entry struct {
	At                                time.Time
	Level                             zerolog.Level
	Message, Error, Stack             string
	Runtime, Module, Function         string
	UserID, SessionID, MatchID, Trace string
	// Fields are the others, as a JSON object; empty if there are none.
	Fields string
}

// secretField marks lines that are for whoever runs the server, and not for all operators.
const secretField = "secret"

// Read reads a line. One that is marked as secret has no content.
func (l Line) Read() Entry {
	e := Entry{At: l.At, Level: l.Level}
	var all map[string]json.RawMessage
	if json.Unmarshal(l.Text, &all) != nil {
		e.Message = strings.ToValidUTF8(string(l.Text), "\ufffd")
		return e
	}
	take := func(into *string, names ...string) {
		for _, name := range names {
			raw, ok := all[name]
			if !ok {
				continue
			}
			if json.Unmarshal(raw, into) != nil {
				*into = string(raw)
			}
			delete(all, name)
		}
	}
	if string(all[secretField]) == "true" {
		e.Message = "This line has a secret and is not shown here."
		return e
	}
	take(&e.Message, zerolog.MessageFieldName)
	take(&e.Error, zerolog.ErrorFieldName)
	take(&e.Stack, "stack")
	take(&e.Runtime, "runtime")
	take(&e.Module, "module")
	take(&e.Function, "function")
	take(&e.UserID, "user_id", "user")
	take(&e.SessionID, "session_id", "session")
	take(&e.MatchID, "match_id", "match")
	take(&e.Trace, "trace_id")
	delete(all, zerolog.TimestampFieldName)
	delete(all, zerolog.LevelFieldName)
	if len(all) > 0 {
		if text, err := json.Marshal(all); err == nil {
			e.Fields = string(text)
		}
	}
	return e
}

// Filter says which lines to show; zero fields do not restrict.
type Filter struct {
	// Level is the least level.
	Level                                   zerolog.Level
	Runtime, Module, UserID, MatchID, Trace string
	// Text must be in the message, the error, the stack or another field, in any case.
	Text string
}

// All shows all lines.
var All = Filter{Level: zerolog.TraceLevel}

// Takes reports whether the filter shows a line, and returns it read. Lines below its
// level are not read.
func (f *Filter) Takes(l Line) (e Entry, ok bool) {
	if l.Level < f.Level {
		return e, false
	}
	e = l.Read()
	for _, c := range []struct{ want, got string }{
		{f.Runtime, e.Runtime}, {f.Module, e.Module}, {f.UserID, e.UserID}, {f.MatchID, e.MatchID}, {f.Trace, e.Trace},
	} {
		if c.want != "" && c.want != c.got {
			return e, false
		}
	}
	if f.Text == "" {
		return e, true
	}
	text := strings.ToLower(f.Text)
	return e, slices.ContainsFunc([]string{e.Message, e.Error, e.Stack, e.Function, e.Fields}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), text)
	})
}

// others are the names of fields that shorten looks at last.
func others(all map[string]any) (names []string) {
	for name := range all {
		if name != zerolog.MessageFieldName && name != zerolog.ErrorFieldName && name != "stack" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
