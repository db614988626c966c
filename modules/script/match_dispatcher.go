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
// work on the match that owns the calling VM.
var DispatcherTable = []vm.Func[struct{}]{
	{Name: vm.N("broadcast_message"), Body: broadcast(match.Dispatcher.BroadcastMessage)},
	{Name: vm.N("broadcast_message_deferred"), Body: broadcast(match.Dispatcher.BroadcastMessageDeferred)},
	{Name: vm.N("match_kick"), Body: matchKick},
	{Name: vm.N("match_label_update"), Body: matchLabelUpdate},
}

// gameOf is the match of the calling VM.
func gameOf(c *vm.Call) (*game, error) {
	if l := localOf(c); l != nil && l.game != nil {
		return l.game, nil
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
		g, err := gameOf(c)
		if err := cmp.Or(c.Err(), err); err != nil {
			return err
		}
		if err := g.program.fits("a message of match handler "+g.name, len(data)); err != nil {
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
	g, err := gameOf(c)
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
	g, err := gameOf(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	if err := g.match.MatchLabelUpdate(label); err != nil {
		return err
	}
	g.refresh()
	return nil
}

// ReadPresence reads a presence as scripts hold it. The user is optional, for
// lists of receivers need none.
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

// readUUID takes the text of an identifier that has been checked.
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
