package presence

import (
	"encoding/base64"

	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/internal/json"
)

// hotJSON writes the kinds of envelope that are sent often. ok is false for all
// others, and for those that protojson refuses.
func hotJSON(env *rtapi.Envelope) (_ []byte, ok bool) {
	var w json.Writer
	switch m := env.Message.(type) {
	case *rtapi.Envelope_Rpc:
		return rpcJSON(env.Cid, m.Rpc.GetId(), m.Rpc.GetPayload(), m.Rpc.GetHttpKey())
	case *rtapi.Envelope_MatchData:
		open(&w, 256+base64.StdEncoding.EncodedLen(len(m.MatchData.GetData())), env.Cid, "match_data")
		writeMatchData(&w, m.MatchData)
	case *rtapi.Envelope_StreamData:
		open(&w, 256+len(m.StreamData.GetData())*9/8, env.Cid, "stream_data")
		writeStreamData(&w, m.StreamData)
	case *rtapi.Envelope_MatchPresenceEvent:
		e := m.MatchPresenceEvent
		open(&w, 128+160*(len(e.GetJoins())+len(e.GetLeaves())), env.Cid, "match_presence_event")
		w.Begin()
		w.String("match_id", e.GetMatchId())
		writePresences(&w, "joins", e.GetJoins())
		writePresences(&w, "leaves", e.GetLeaves())
		w.End()
	case *rtapi.Envelope_Error:
		if len(m.Error.GetContext()) > 0 {
			return nil, false
		}
		open(&w, 64+len(m.Error.GetMessage()), env.Cid, "error")
		w.Begin()
		w.Int32("code", m.Error.GetCode())
		w.String("message", m.Error.GetMessage())
		w.End()
	case *rtapi.Envelope_Pong:
		open(&w, 32, env.Cid, "pong")
		w.Begin()
		w.End()
	case nil:
		open(&w, 16, env.Cid, "")
	default:
		if !chatJSON(&w, env) && !matchmakerJSON(&w, env) {
			return nil, false
		}
	}
	w.End()
	return w.B, !w.Bad
}

// open begins an envelope of about size bytes and a message of a kind in it.
func open(w *json.Writer, size int, cid, kind string) {
	w.B = make([]byte, 0, size+len(cid))
	w.Begin()
	w.String("cid", cid)
	if kind != "" {
		w.Name(kind)
	}
}

func writeMatchData(w *json.Writer, d *rtapi.MatchData) {
	w.Begin()
	w.String("match_id", d.GetMatchId())
	if d.GetPresence() != nil {
		w.Name("presence")
		writePresence(w, d.GetPresence())
	}
	w.Int64("op_code", d.GetOpCode())
	w.Bytes("data", d.GetData())
	w.Bool("reliable", d.GetReliable())
	w.End()
}

func writeStreamData(w *json.Writer, d *rtapi.StreamData) {
	w.Begin()
	if s := d.GetStream(); s != nil {
		w.Name("stream")
		w.Begin()
		w.Int32("mode", s.GetMode())
		w.String("subject", s.GetSubject())
		w.String("subcontext", s.GetSubcontext())
		w.String("label", s.GetLabel())
		w.End()
	}
	if d.GetSender() != nil {
		w.Name("sender")
		writePresence(w, d.GetSender())
	}
	w.String("data", d.GetData())
	w.Bool("reliable", d.GetReliable())
	w.End()
}

func writePresences(w *json.Writer, name string, all []*rtapi.UserPresence) {
	for i, p := range all {
		w.Item(name, i)
		writePresence(w, p)
	}
	w.EndList(len(all))
}

func writePresence(w *json.Writer, p *rtapi.UserPresence) {
	w.Begin()
	w.String("user_id", p.GetUserId())
	w.String("session_id", p.GetSessionId())
	w.String("username", p.GetUsername())
	w.Bool("persistence", p.GetPersistence())
	if p.GetStatus() != nil {
		w.Name("status")
		w.Text(p.GetStatus().GetValue())
	}
	w.End()
}
