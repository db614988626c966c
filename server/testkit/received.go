package testkit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kumi/internal/suggest"
	"kumi/vm"
)

// kinds are the kinds of messages that a server sends without having been asked: fields of
// rtapi.Envelope.
const kinds = `channel_message channel_presence_event error match_data match_presence_event matchmaker_matched notifications
party party_close party_data party_join_request party_leader party_matchmaker_ticket party_presence_event party_update
status_presence_event stream_data stream_presence_event`

// kindOf reads the kind of a message; "" if it is optional and not given.
func kindOf(c *vm.Call, optional bool) string {
	var kind string
	if optional {
		kind = c.OptStr("kind", "")
	} else {
		kind = c.StrNonEmpty("kind")
	}
	all := strings.Fields(kinds)
	if kind == "" || slices.Contains(all, kind) {
		return kind
	}
	near := suggest.Nearest(kind, all)
	if near == "" {
		c.Invalid("kind", fmt.Sprintf("there is no kind %q of messages; there are %s", kind, strings.Join(all, ", ")))
	} else {
		c.Invalid("kind", fmt.Sprintf("there is no kind %q of messages; did you mean %q?", kind, near))
	}
	return kind
}

// received waits for the next message of a kind, such as "match_data", that has the given
// properties. Messages that it returned are not returned again.
func received(p *player, c *vm.Call) error {
	kind := kindOf(c, false)
	where, err := whereOf(c)
	within := defaultWait
	if c.Given() {
		within = duration(c, "within")
	}
	if err := firstError(c.Err(), err); err != nil {
		return err
	}
	var m *message
	return p.later(c, func() (err error) {
		m, err = p.socket.next(kind, where, within)
		if errors.Is(err, errNothing) {
			return fmt.Errorf("%s received no %s within %v%s", p.name, describeWanted(kind, where), within, p.socket.summary())
		}
		return err
	}, func(c *vm.Call) error { return c.ReturnAny("message", m.value(), nil) })
}

// messages lists all messages that arrived so far: of all kinds, or of one, with the given
// properties. Each has its kind as a property.
func messages(p *player, c *vm.Call) error {
	kind := kindOf(c, true)
	where, err := whereOf(c)
	if err := firstError(c.Err(), err); err != nil {
		return err
	}
	s := p.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []any{}
	for _, m := range s.inbox {
		if m.matches(kind, where) {
			body := maps.Clone(m.value())
			body["kind"] = m.kind
			list = append(list, body)
		}
	}
	return c.ReturnAny("messages", list, nil)
}

func whereOf(c *vm.Call) (any, error) {
	v := c.Any("where")
	if c.E.IsNil(v) {
		return nil, nil
	}
	if !c.E.IsObject(v) {
		c.Invalid("where", "expected an object with properties that the message must have")
		return nil, nil
	}
	return vm.Export(c.E, v)
}

func describeWanted(kind string, where any) string {
	if where == nil {
		return kind
	}
	return kind + " with " + show(where)
}

// summary says what arrived, for messages of failures.
func (s *socket) summary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[string]int{}
	for _, m := range s.inbox {
		counts[m.kind]++
	}
	if len(counts) == 0 {
		return "; it received nothing at all"
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	text := "; it received " + strings.Join(parts, ", ")
	if last := s.inbox[len(s.inbox)-1]; last != nil {
		text += "\nthe last: " + shorten(string(last.text), 300)
	}
	return text
}

func shorten(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
