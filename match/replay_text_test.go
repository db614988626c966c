package match

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

type tracedError struct{ text string }

func (e tracedError) Error() string { return e.text }
func (e tracedError) Trace() string { return e.text }

// What scripts write without a limit, such as errors and lines of the log, is cut where it is
// kept for operators.
func TestTextsOfRecordingsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	const more = len("…") + 2 // quotes

	var tp tape
	tp.fail(errors.Join(tracedError{long}), "loop")
	if len(tp.failed) > keptError+more || len(tp.stack) > keptStack+more || tp.stack == "" {
		t.Errorf("an error of %d bytes with a stack of %d", len(tp.failed), len(tp.stack))
	}

	var lines ReplayLog
	log := zerolog.New(&lines)
	log.Info().Str("module", "m").Str("error", long).Msg(long)
	if all := lines.Take(); len(all) != 1 || len(all[0].Message) > maxLogLine+more {
		t.Errorf("%d lines", len(all))
	}

	quoted := func(s string) string { b, _ := json.Marshal(map[string]string{"k": s, s: ""}); return string(b) }
	all := Compare(&Step{Error: long, Label: long, Outputs: []Output{{Kind: recReply, Text: long}}}, &Step{Error: long + "y", Outputs: []Output{{Kind: recReply, Text: "z" + long}, {Kind: recLabel, Text: long}}})
	all = append(all, CompareStates(long, "y"+long, 10)...)
	all = append(all, CompareStates(quoted(long), quoted("y"+long), 10)...)
	if len(all) != 8 {
		t.Errorf("%d differences", len(all))
	}
	for _, d := range all {
		if max(len(d.What), len(d.Want), len(d.Got)) > shownText+more {
			t.Errorf("a difference has %d, %d and %d bytes", len(d.What), len(d.Want), len(d.Got))
		}
		if d.What == "the error" && d.Want+d.Got != "" {
			t.Errorf("a difference after what is shown is %q and %q", d.Want, d.Got)
		}
	}
}
