package cluster

import (
	"cmp"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/cluster/wire"
	"kumi/match"
	"kumi/presence"
)

// How calls of matches are written. The readers check what they get: a node of a later
// version may send what this one does not know.

func writeMatchCall(c *match.Call) (*wire.MatchCall, error) {
	out := &wire.MatchCall{
		Op: uint32(c.Op), Match: c.Match[:], Text: []byte(c.Text), GraceMs: c.Grace.Milliseconds(), OnStream: c.OnStream,
	}
	if j := c.Joiner; j != nil {
		out.Joiner = &wire.Joiner{
			Member: writeMember(&j.Presence), Vars: j.Vars, SessionExpiry: j.SessionExpiry,
			ClientIp: j.ClientIP, ClientPort: j.ClientPort, Lang: j.Lang, Metadata: c.Metadata,
		}
	}
	if c.Params != nil {
		var err error
		if out.Params, err = writeValue(c.Params); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readMatchCall(in *wire.MatchCall) (*match.Call, error) {
	id, err := uuid.FromBytes(in.Match)
	if err != nil || in.Op > 255 {
		return nil, errMalformed
	}
	c := &match.Call{
		Op: match.Op(in.Op), Match: id, Text: string(in.Text), Grace: time.Duration(in.GraceMs) * time.Millisecond, OnStream: in.OnStream, Home: in.Home,
	}
	if j := in.Joiner; j != nil {
		p, err := readMember(j.Member, presence.Stream{})
		if err != nil {
			return nil, err
		}
		c.Joiner = &match.Joiner{
			Presence: *p, Vars: j.Vars, SessionExpiry: j.SessionExpiry, ClientIP: j.ClientIp, ClientPort: j.ClientPort, Lang: j.Lang,
		}
		c.Metadata = j.Metadata
	}
	if c.Op == match.OpAdmit && c.Joiner == nil {
		return nil, errMalformed
	}
	if c.Op == match.OpCreate {
		v, err := readValue(in.Params)
		if err != nil {
			return nil, err
		}
		var ok bool
		if c.Params, ok = v.(map[string]any); !ok {
			return nil, errMalformed
		}
	}
	return c, nil
}

func writeMatchAnswer(a *match.Answer, node string) *wire.MatchAnswer {
	out := &wire.MatchAnswer{
		Accepted: a.Accepted, New: a.New, Reason: []byte(a.Reason), Admission: a.Admission,
		Presences: writeMembers(a.Presences), Label: []byte(a.Label), Text: []byte(a.Text), Tick: a.Tick,
	}
	if a.Match != nil {
		out.Match = writeListedMatch(&match.Listed{Match: a.Match}, node)
	}
	if a.Moved != nil {
		out.Moved = writeMove(*a.Moved)
	}
	return out
}

func readMatchAnswer(in *wire.MatchAnswer, stream presence.Stream) (*match.Answer, error) {
	a := &match.Answer{
		Accepted: in.Accepted, New: in.New, Reason: string(in.Reason), Admission: in.Admission,
		Label: string(in.Label), Text: string(in.Text), Tick: in.Tick,
	}
	var err error
	if a.Presences, err = readMembers(in.Presences, stream); err != nil {
		return nil, err
	}
	if in.Moved != nil {
		to, ok := readMove(in.Moved)
		if !ok {
			return nil, errMalformed
		}
		a.Moved = &to
	}
	if in.Match != nil {
		l, ok := readListedMatch(in.Match, stream.Label)
		if !ok {
			return nil, errMalformed
		}
		a.Match = l.Match
	}
	return a, nil
}

func writeListedMatch(l *match.Listed, node string) *wire.ListedMatch {
	id, home, _ := match.ParseID(l.Match.MatchId)
	out := &wire.ListedMatch{
		Match: id[:], Label: []byte(l.Match.GetLabel().GetValue()), Size: l.Match.Size, TickRate: l.Match.TickRate,
		Handler: []byte(l.Match.HandlerName), Score: l.Score, Created: l.Created,
	}
	if home != node {
		out.Home = home
	}
	return out
}

func readListedMatch(in *wire.ListedMatch, node string) (match.Listed, bool) {
	id, err := uuid.FromBytes(in.Match)
	if err != nil {
		return match.Listed{}, false
	}
	return match.Listed{Score: in.Score, Created: in.Created, Match: &api.Match{
		MatchId: presence.AuthoritativeMatch(id, cmp.Or(in.Home, node)).MatchID(), Authoritative: true, Label: wrapperspb.String(string(in.Label)),
		Size: in.Size, TickRate: in.TickRate, HandlerName: string(in.Handler),
	}}, true
}

func writeMatchFilter(f *match.ListFilter) *wire.MatchList {
	out := &wire.MatchList{Limit: int64(f.Limit)}
	if f.Label != nil {
		out.Label = append([]byte{}, *f.Label...)
	}
	if f.Query != nil {
		out.Query = append([]byte{}, *f.Query...)
	}
	number := func(n *int) *int64 {
		if n == nil {
			return nil
		}
		wide := int64(*n)
		return &wide
	}
	out.MinSize, out.MaxSize = number(f.MinSize), number(f.MaxSize)
	return out
}

func readMatchFilter(in *wire.MatchList) match.ListFilter {
	f := match.ListFilter{Limit: int(in.Limit)}
	if in.Label != nil {
		label := string(in.Label)
		f.Label = &label
	}
	if in.Query != nil {
		query := string(in.Query)
		f.Query = &query
	}
	number := func(n *int64) *int {
		if n == nil {
			return nil
		}
		i := int(*n)
		return &i
	}
	f.MinSize, f.MaxSize = number(in.MinSize), number(in.MaxSize)
	return f
}

func writeMember(p *presence.Presence) *wire.Member {
	return &wire.Member{
		Node: p.Node, Session: p.Session[:], User: p.UserID[:], Username: []byte(p.Username), Status: []byte(p.Status),
		Hidden: p.Hidden, Persistence: p.Persistence, Reason: uint32(p.Reason),
	}
}

func writeMembers(list []*presence.Presence) []*wire.Member {
	out := make([]*wire.Member, len(list))
	for i, p := range list {
		out[i] = writeMember(p)
	}
	return out
}

func readMember(in *wire.Member, stream presence.Stream) (*presence.Presence, error) {
	session, err := uuid.FromBytes(in.GetSession())
	if err != nil {
		return nil, errMalformed
	}
	user, err := uuid.FromBytes(in.User)
	if err != nil {
		return nil, errMalformed
	}
	return &presence.Presence{
		ID: presence.ID{Node: in.Node, Session: session}, Stream: stream, UserID: user,
		Meta: presence.Meta{
			Username: string(in.Username), Status: string(in.Status), Hidden: in.Hidden, Persistence: in.Persistence,
			Reason: runtime.PresenceReason(in.Reason),
		},
	}, nil
}

func readMembers(in []*wire.Member, stream presence.Stream) ([]*presence.Presence, error) {
	list := make([]*presence.Presence, len(in))
	for i, m := range in {
		p, err := readMember(m, stream)
		if err != nil {
			return nil, err
		}
		list[i] = p
	}
	return list, nil
}
