package presence

import (
	"slices"

	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/internal/json"
)

// matchmakerJSON writes what the matchmaker tells players: a busy one tells
// thousands in the same moment. It is false for all other envelopes.
func matchmakerJSON(w *json.Writer, env *rtapi.Envelope) bool {
	switch m := env.Message.(type) {
	case *rtapi.Envelope_MatchmakerTicket:
		open(w, 96, env.Cid, "matchmaker_ticket")
		w.Begin()
		w.String("ticket", m.MatchmakerTicket.GetTicket())
		w.End()
	case *rtapi.Envelope_MatchmakerMatched:
		open(w, 512+384*(1+len(m.MatchmakerMatched.GetUsers())), env.Cid, "matchmaker_matched")
		writeMatchmakerMatched(w, m.MatchmakerMatched)
	default:
		return false
	}
	return true
}

func writeMatchmakerMatched(w *json.Writer, m *rtapi.MatchmakerMatched) {
	w.Begin()
	w.String("ticket", m.GetTicket())
	// One of these two is always present, even if empty.
	switch id := m.GetId().(type) {
	case *rtapi.MatchmakerMatched_MatchId:
		w.Name("match_id")
		w.Text(id.MatchId)
	case *rtapi.MatchmakerMatched_Token:
		w.Name("token")
		w.Text(id.Token)
	}
	for i, u := range m.GetUsers() {
		w.Item("users", i)
		writeMatchmakerUser(w, u)
	}
	w.EndList(len(m.GetUsers()))
	if m.GetSelf() != nil {
		w.Name("self")
		writeMatchmakerUser(w, m.GetSelf())
	}
	w.End()
}

func writeMatchmakerUser(w *json.Writer, u *rtapi.MatchmakerMatched_MatchmakerUser) {
	w.Begin()
	if u.GetPresence() != nil {
		w.Name("presence")
		writePresence(w, u.GetPresence())
	}
	w.String("party_id", u.GetPartyId())
	texts, numbers := u.GetStringProperties(), u.GetNumericProperties()
	for i, k := range sortedKeys(texts) {
		w.Entry("string_properties", i, k)
		w.Text(texts[k])
	}
	w.EndMap(len(texts))
	for i, k := range sortedKeys(numbers) {
		w.Entry("numeric_properties", i, k)
		w.Number(numbers[k])
	}
	w.EndMap(len(numbers))
	w.End()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
