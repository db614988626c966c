package match

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"kumi/internal/journal"
)

// Difference is one between a recorded call of a handler and its replay.
type Difference struct {
	// What is what differs: "state", "broadcast 2", "label", "nk.storageRead", …
	What string
	// Want is what was recorded and Got what the replay did; empty if there is none.
	Want, Got string
}

// String describes the difference in one line.
func (d Difference) String() string {
	switch {
	case d.Want == "" && d.Got == "":
		return d.What + " differs"
	case d.Got == "":
		return d.What + " is missing: " + d.Want
	case d.Want == "":
		return d.What + " is new: " + d.Got
	}
	return fmt.Sprintf("%s: recorded %s, replayed %s", d.What, d.Want, d.Got)
}

// shownText is how many bytes of an error, a label, an answer or a path are shown.
const shownText = 500

// shownDifference is the difference of two texts, of which at most max bytes are shown. Both are
// empty if these are equal and the difference is in the rest.
func shownDifference(what, want, got string, max int) Difference {
	d := Difference{cut(what, shownText), cut(want, max), cut(got, max)}
	if d.Want == d.Got {
		d.Want, d.Got = "", ""
	}
	return d
}

// Compare returns how a replayed call differs from the recorded one. States are compared by
// their hashes.
func Compare(want, got *Step) (all []Difference) {
	add := func(what, w, g string) {
		if w != g {
			all = append(all, shownDifference(what, w, g, shownText))
		}
	}
	if got == nil {
		return []Difference{{"the call of " + want.Name(), "tick " + strconv.FormatInt(want.Tick, 10), "none, since the match had ended"}}
	}
	calls := func(s *Step) (list []journal.Entry) {
		for _, e := range s.Entries {
			if e.Kind == journal.Call {
				list = append(list, e)
			}
		}
		return list
	}
	w, g := calls(want), calls(got)
	for i := range max(len(w), len(g)) {
		what := "call " + strconv.Itoa(i+1) + " of a function"
		switch {
		case i >= len(g):
			all = append(all, Difference{what, w[i].Name, ""})
		case i >= len(w):
			all = append(all, Difference{what, "", g[i].Name})
		case w[i].Name != g[i].Name:
			all = append(all, Difference{what, w[i].Name, g[i].Name})
		case w[i].Args != g[i].Args:
			all = append(all, Difference{What: "the arguments of " + w[i].Name})
		}
	}
	for i := range max(len(want.Outputs), len(got.Outputs)) {
		switch {
		case i >= len(got.Outputs):
			all = append(all, shownDifference(outputName(want.Outputs, i), want.Outputs[i].String(), "", shownText))
		case i >= len(want.Outputs):
			all = append(all, shownDifference(outputName(got.Outputs, i), "", got.Outputs[i].String(), shownText))
		default:
			if what, same := want.Outputs[i].equal(&got.Outputs[i]); !same {
				all = append(all, shownDifference(outputName(want.Outputs, i)+what, want.Outputs[i].String(), got.Outputs[i].String(), shownText))
			}
		}
	}
	add("the error", orNone(want.Error), orNone(got.Error))
	add("the match goes on", strconv.FormatBool(want.Alive), strconv.FormatBool(got.Alive))
	add("the tick rate", strconv.Itoa(want.TickRate), strconv.Itoa(got.TickRate))
	add("the label", strconv.Quote(want.Label), strconv.Quote(got.Label))
	if want.Hashed && got.Hashed && want.Hash != got.Hash {
		all = append(all, Difference{What: "the state"})
	}
	return all
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return strconv.Quote(text)
}

// outputName names an output by its kind and its number among those.
func outputName(all []Output, i int) string {
	n := 0
	for j := range i + 1 {
		if all[j].Kind == all[i].Kind {
			n++
		}
	}
	switch all[i].Kind {
	case recBroadcast:
		return "broadcast " + strconv.Itoa(n)
	case recKick:
		return "kick " + strconv.Itoa(n)
	case recLabel:
		return "label update " + strconv.Itoa(n)
	case recVerdict:
		return "the answer to the join attempt"
	}
	return "the answer to the signal"
}

// equal compares two outputs. what says which part differs, if that is not obvious.
func (o *Output) equal(other *Output) (what string, same bool) {
	switch {
	case o.Kind != other.Kind || o.OpCode != other.OpCode || o.Text != other.Text || o.Accept != other.Accept:
		return "", false
	case o.Size != other.Size || o.Hash != other.Hash || !bytes.Equal(o.Data, other.Data):
		return " (data)", false
	case o.All != other.All || !slices.Equal(o.To, other.To):
		return " (receivers)", false
	case o.From != other.From:
		return " (sender)", false
	case o.Reliable != other.Reliable:
		return " (reliable)", false
	}
	return "", true
}

// shownData is how many bytes of a broadcast are shown.
const shownData = 120

// String describes an output in one line.
func (o Output) String() string {
	switch o.Kind {
	case recBroadcast:
		to := "all"
		if !o.All {
			to = fmt.Sprint(len(o.To))
			if len(o.To) == 1 {
				to = o.To[0].String()
			}
		}
		return fmt.Sprintf("op %d to %s, %s", o.OpCode, to, ShowData(o.Data, o.Size))
	case recKick:
		return o.To[0].String()
	case recVerdict:
		if o.Accept {
			return "accepted"
		}
		return "rejected: " + strconv.Quote(o.Text)
	}
	return strconv.Quote(o.Text)
}

// ShowData describes the data of a message, of which there are size bytes, in one line.
func ShowData(data []byte, size int) string {
	if size == 0 {
		return "no data"
	}
	shown := data[:min(len(data), shownData)]
	text := fmt.Sprintf("%x", shown)
	if utf8.Valid(data) || utf8.Valid(shown) {
		text = string(shown)
	}
	if size > len(shown) {
		return fmt.Sprintf("%s… (%d bytes)", text, size)
	}
	return text
}
