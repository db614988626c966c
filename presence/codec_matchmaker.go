package presence

import (
	"math"
	"slices"
	"strconv"

	"github.com/heroiclabs/nakama-common/rtapi"
)

// matchmakerJSON writes what the matchmaker tells players: a busy one tells
// thousands in the same moment.
func matchmakerJSON(env *rtapi.Envelope) (w jsonWriter, known bool) {
	w.ok = true
	switch m := env.Message.(type) {
	case *rtapi.Envelope_MatchmakerTicket:
		w.b = make([]byte, 0, 96+len(env.Cid))
		w.open(env.Cid)
		w.key("matchmaker_ticket")
		w.begin()
		w.str("ticket", m.MatchmakerTicket.GetTicket())
		w.end()
	case *rtapi.Envelope_MatchmakerMatched:
		w.b = make([]byte, 0, 512+384*(1+len(m.MatchmakerMatched.GetUsers())))
		w.open(env.Cid)
		w.key("matchmaker_matched")
		w.matchmakerMatched(m.MatchmakerMatched)
	default:
		return w, false
	}
	return w, true
}

func (w *jsonWriter) matchmakerMatched(m *rtapi.MatchmakerMatched) {
	w.begin()
	w.str("ticket", m.GetTicket())
	// One of these two is there, empty or not.
	switch id := m.GetId().(type) {
	case *rtapi.MatchmakerMatched_MatchId:
		w.key("match_id")
		w.text(id.MatchId)
	case *rtapi.MatchmakerMatched_Token:
		w.key("token")
		w.text(id.Token)
	}
	for i, u := range m.GetUsers() {
		if i == 0 {
			w.key("users")
			w.b = append(w.b, '[')
		} else {
			w.b = append(w.b, ',')
		}
		w.matchmakerUser(u)
	}
	if len(m.GetUsers()) > 0 {
		w.b = append(w.b, ']')
	}
	if m.GetSelf() != nil {
		w.key("self")
		w.matchmakerUser(m.GetSelf())
	}
	w.end()
}

func (w *jsonWriter) matchmakerUser(u *rtapi.MatchmakerMatched_MatchmakerUser) {
	w.begin()
	if u.GetPresence() != nil {
		w.key("presence")
		w.presence(u.GetPresence())
	}
	w.str("party_id", u.GetPartyId())
	properties(w, "string_properties", u.GetStringProperties(), w.text)
	properties(w, "numeric_properties", u.GetNumericProperties(), w.number)
	w.end()
}

// properties writes a map in the order of its keys, as protojson does.
func properties[V any](w *jsonWriter, name string, all map[string]V, write func(V)) {
	if len(all) == 0 {
		return
	}
	w.key(name)
	w.begin()
	keys := make([]string, 0, 8)
	for k := range all {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.text(k)
		w.b = append(w.b, ':')
		write(all[k])
	}
	w.end()
}

// number writes a double. Infinities and what is no number are left to the
// library.
func (w *jsonWriter) number(n float64) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		w.ok = false
		return
	}
	if abs := math.Abs(n); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		w.b = strconv.AppendFloat(w.b, n, 'f', -1, 64)
		return
	}
	w.b = strconv.AppendFloat(w.b, n, 'e', -1, 64)
	// Small exponents have one digit in JSON: 1e-7, not 1e-07.
	if end := len(w.b); end >= 4 && w.b[end-4] == 'e' && w.b[end-3] == '-' && w.b[end-2] == '0' {
		w.b[end-2] = w.b[end-1]
		w.b = w.b[:end-1]
	}
}
