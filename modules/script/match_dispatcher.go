package script

import (
	"cmp"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
	"kumi/vm"
)

// DispatcherTable is the dispatcher argument of match handlers. Its functions
// act on the match that owns the calling VM, also when a recording of it is replayed.
var DispatcherTable = []vm.Func[struct{}]{
	{Name: vm.N("broadcast_message"), Live: true, Body: broadcast(match.Dispatcher.BroadcastMessage)},
	{Name: vm.N("broadcast_message_deferred"), Live: true, Body: broadcast(match.Dispatcher.BroadcastMessageDeferred)},
	{Name: vm.N("match_kick"), Live: true, Body: matchKick},
	{Name: vm.N("match_label_update"), Live: true, Body: matchLabelUpdate},
	{Name: vm.N("match_record"), Live: true, Body: matchRecord},
}

// matchOf returns the match that owns the calling VM.
func matchOf(c *vm.Call) (*scriptMatch, error) {
	if l := localOf(c); l != nil && l.match != nil {
		return l.match, nil
	}
	return nil, fault.New(fault.FailedPrecondition, "the dispatcher can only be used in match handlers")
}

func broadcast(send func(d match.Dispatcher, opCode int64, data []byte, presences []runtime.Presence, sender runtime.Presence, reliable bool) error) func(struct{}, *vm.Call) error {
	return func(_ struct{}, c *vm.Call) error {
		op := c.Int("op_code")
		data := c.OptData("data")
		to := vm.OptListOf(c, "presences", ReadPresence)
		var from runtime.Presence
		if s := c.OptObj("sender"); s.Present() {
			p := ReadPresence(s)
			p.(*presence.Presence).Username = s.Str(&nUsername)
			from = p
		}
		reliable := c.OptBool("reliable", true)
		g, err := matchOf(c)
		if err := cmp.Or(c.Err(), err); err != nil {
			return err
		}
		if err := g.program.checkSize("a message of match handler "+g.name, len(data)); err != nil {
			return err
		}
		for _, p := range to {
			if p := p.(*presence.Presence); p.Node == "" {
				p.Node = g.match.Node()
			}
		}
		return send(g.match, op, data, to, from, reliable)
	}
}

func matchKick(_ struct{}, c *vm.Call) error {
	who := vm.OptListOf(c, "presences", ReadPresence)
	g, err := matchOf(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	if len(who) == 0 {
		return nil
	}
	return g.match.MatchKick(who)
}

func matchLabelUpdate(_ struct{}, c *vm.Call) error {
	label := c.OptStr("label", "")
	g, err := matchOf(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	if err := g.match.MatchLabelUpdate(label); err != nil {
		return err
	}
	g.refresh()
	return nil
}

func matchRecord(_ struct{}, c *vm.Call) error {
	on := c.OptBool("on", true)
	g, err := matchOf(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	return g.match.MatchRecord(on)
}

// ReadPresence reads a presence from a script object. The user id is optional: lists
// of receivers need none.
func ReadPresence(o vm.Obj) runtime.Presence {
	p := &presence.Presence{}
	p.Session = readUUID(o, &nSessionID, o.UUID(&nSessionID))
	p.UserID = readUUID(o, &nUserID, o.OptUUID(&nUserID, ""))
	p.Node = o.OptStr(&nNode, "")
	if p.Node == "" {
		p.Node = o.OptStr(&nNodeID, "")
	}
	p.Username = o.OptStr(&nUsername, "")
	return p
}

// readUUID parses an identifier and reports an invalid one as the field n.
func readUUID(o vm.Obj, n *vm.Name, text string) uuid.UUID {
	if text == "" {
		return uuid.Nil
	}
	id, err := uuid.FromString(text)
	if err != nil {
		o.Invalid(n, "expected a valid identifier (UUID)")
	}
	return id
}
