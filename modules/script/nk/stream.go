package nk

import (
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

var streamTable = []vm.Func[*core.Module]{
	{Name: vm.N("stream_user_list"), Body: streamUserList},
	{Name: vm.N("stream_user_get"), Body: streamUserGet},
	{Name: vm.N("stream_user_join"), Body: streamUserJoin},
	{Name: vm.N("stream_user_update"), Body: streamUserUpdate},
	{Name: vm.N("stream_user_leave"), Body: streamUserLeave},
	{Name: vm.N("stream_user_kick"), Body: streamUserKick},
	{Name: vm.N("stream_count"), Body: streamCount},
	{Name: vm.N("stream_close"), Body: streamClose},
	{Name: vm.N("stream_send"), Body: streamSend},
	{Name: vm.N("stream_send_raw"), Body: streamSendRaw},
}

// stream is the argument that identifies a stream.
type stream struct {
	mode                       uint8
	subject, subcontext, label string
}

func readStream(c *vm.Call) stream {
	o := c.Obj("stream")
	if !o.Present() {
		return stream{}
	}
	mode := o.Int(&nMode)
	if mode < 0 || mode > 255 {
		o.Invalid(&nMode, "expected a number from 0 to 255")
	}
	return stream{
		mode:       uint8(mode),
		subject:    o.OptUUID(&nSubject, ""),
		subcontext: o.OptUUID(&nSubcontext, ""),
		label:      o.OptStr(&nLabel, ""),
	}
}

// metaFields are the properties of a presence's metadata.
func metaFields[P runtime.PresenceMeta]() []vm.Property[P] {
	return []vm.Property[P]{
		vm.Bool("hidden", P.GetHidden),
		vm.Bool("persistence", P.GetPersistence),
		vm.Str("username", P.GetUsername),
		vm.Str("status", P.GetStatus),
		vm.Int("reason", P.GetReason),
	}
}

var streamMeta = vm.NewShape(metaFields[runtime.PresenceMeta]()...)

// streamPresences have the node as nodeId in JavaScript; node exists as well, because
// the published types have it.
var streamPresences = script.NewPerLang(func(lang vm.Lang) *vm.Shape[runtime.Presence] {
	fields := []vm.Property[runtime.Presence]{
		vm.Str("user_id", runtime.Presence.GetUserId),
		vm.Str("session_id", runtime.Presence.GetSessionId),
		vm.Str("node", runtime.Presence.GetNodeId),
	}
	if lang == vm.JS {
		fields = append(fields, vm.Str("node_id", runtime.Presence.GetNodeId))
	}
	return vm.NewShape(append(fields, metaFields[runtime.Presence]()...)...)
})

func streamUserList(nk *core.Module, c *vm.Call) error {
	s := readStream(c)
	hidden := c.OptBool("include_hidden", true)
	visible := c.OptBool("include_not_hidden", true)
	if err := c.Err(); err != nil {
		return err
	}
	ps, err := nk.StreamUserList(s.mode, s.subject, s.subcontext, s.label, hidden, visible)
	return vm.ReturnList(c, "presences", streamPresences.In(c.E), ps, err)
}

func streamUserGet(nk *core.Module, c *vm.Call) error {
	user, session, s := c.UUID("user_id"), c.UUID("session_id"), readStream(c)
	if err := c.Err(); err != nil {
		return err
	}
	meta, err := nk.StreamUserGet(s.mode, s.subject, s.subcontext, s.label, user, session)
	if err == nil && meta == nil {
		return c.ReturnRef("meta", c.E.Nil(), nil)
	}
	return vm.Return(c, "meta", streamMeta, meta, err)
}

func streamUserJoin(nk *core.Module, c *vm.Call) error {
	user, session, s := c.UUID("user_id"), c.UUID("session_id"), readStream(c)
	hidden, persistence, status := c.OptBool("hidden", false), c.OptBool("persistence", true), c.OptStr("status", "")
	if err := c.Err(); err != nil {
		return err
	}
	joined, err := nk.StreamUserJoin(s.mode, s.subject, s.subcontext, s.label, user, session, hidden, persistence, status)
	return c.ReturnBool("joined", joined, err)
}

func streamUserUpdate(nk *core.Module, c *vm.Call) error {
	user, session, s := c.UUID("user_id"), c.UUID("session_id"), readStream(c)
	hidden, persistence, status := c.OptBool("hidden", false), c.OptBool("persistence", true), c.OptStr("status", "")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.StreamUserUpdate(s.mode, s.subject, s.subcontext, s.label, user, session, hidden, persistence, status)
}

func streamUserLeave(nk *core.Module, c *vm.Call) error {
	user, session, s := c.UUID("user_id"), c.UUID("session_id"), readStream(c)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.StreamUserLeave(s.mode, s.subject, s.subcontext, s.label, user, session)
}

func streamUserKick(nk *core.Module, c *vm.Call) error {
	var who runtime.Presence
	if o := c.Obj("presence"); o.Present() {
		o.UUID(&nUserID) // required here
		who = script.ReadPresence(o)
	}
	s := readStream(c)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.StreamUserKick(s.mode, s.subject, s.subcontext, s.label, who)
}

func streamCount(nk *core.Module, c *vm.Call) error {
	s := readStream(c)
	if err := c.Err(); err != nil {
		return err
	}
	n, err := nk.StreamCount(s.mode, s.subject, s.subcontext, s.label)
	return c.ReturnInt("count", int64(n), err)
}

func streamClose(nk *core.Module, c *vm.Call) error {
	s := readStream(c)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.StreamClose(s.mode, s.subject, s.subcontext, s.label)
}

func streamSend(nk *core.Module, c *vm.Call) error {
	s := readStream(c)
	data := c.Str("data")
	to := vm.OptListOf(c, "presences", script.ReadPresence)
	reliable := c.OptBool("reliable", true)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.StreamSend(s.mode, s.subject, s.subcontext, s.label, data, to, reliable)
}

func streamSendRaw(nk *core.Module, c *vm.Call) error {
	s := readStream(c)
	envelope := &rtapi.Envelope{}
	if o := c.Obj("envelope"); o.Present() {
		if err := script.ReadPayload(c.E, o.Ref(), envelope); err != nil {
			c.Invalid("envelope", "expected a valid envelope: "+err.Error())
		}
	}
	to := vm.OptListOf(c, "presences", script.ReadPresence)
	reliable := c.OptBool("reliable", true)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.StreamSendRaw(s.mode, s.subject, s.subcontext, s.label, envelope, to, reliable)
}
