package nk

import (
	"cmp"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

var channelTable = []vm.Func[*core.Module]{
	{Name: vm.N("channel_id_build"), Body: channelIDBuild},
	{Name: vm.N("channel_message_send"), Body: channelMessageSend},
	{Name: vm.N("channel_message_update"), Body: channelMessageUpdate},
	{Name: vm.N("channel_message_remove"), Body: channelMessageRemove},
	{Name: vm.N("channel_messages_list"), Body: channelMessagesList},
}

// camelIn returns a key in camel case for both languages: Lua modules expect that in
// some results.
func camelIn(lang vm.Lang, snake string) string {
	if lang == vm.Lua {
		return vm.Camel(snake)
	}
	return snake
}

var channelAcks = script.NewPerLang(func(lang vm.Lang) *vm.Shape[*rtapi.ChannelMessageAck] {
	return vm.NewShape(
		vm.Str(camelIn(lang, "channel_id"), (*rtapi.ChannelMessageAck).GetChannelId),
		vm.Str(camelIn(lang, "message_id"), (*rtapi.ChannelMessageAck).GetMessageId),
		vm.Int("code", func(a *rtapi.ChannelMessageAck) int32 { return a.GetCode().GetValue() }),
		vm.Str("username", (*rtapi.ChannelMessageAck).GetUsername),
		vm.Time(camelIn(lang, "create_time"), (*rtapi.ChannelMessageAck).GetCreateTime),
		vm.Time(camelIn(lang, "update_time"), (*rtapi.ChannelMessageAck).GetUpdateTime),
		vm.Bool("persistent", func(a *rtapi.ChannelMessageAck) bool { return a.GetPersistent().GetValue() }),
	)
})

// channelMessages have their content as a string, as in Nakama.
var channelMessages = script.NewPerLang(func(lang vm.Lang) *vm.Shape[*api.ChannelMessage] {
	return vm.NewShape(
		vm.Str(camelIn(lang, "channel_id"), (*api.ChannelMessage).GetChannelId),
		vm.Str(camelIn(lang, "message_id"), (*api.ChannelMessage).GetMessageId),
		vm.Int("code", func(m *api.ChannelMessage) int32 { return m.GetCode().GetValue() }),
		vm.Str(camelIn(lang, "sender_id"), (*api.ChannelMessage).GetSenderId),
		vm.Str("username", (*api.ChannelMessage).GetUsername),
		vm.Str("content", (*api.ChannelMessage).GetContent),
		vm.Time(camelIn(lang, "create_time"), (*api.ChannelMessage).GetCreateTime),
		vm.Time(camelIn(lang, "update_time"), (*api.ChannelMessage).GetUpdateTime),
		vm.Bool("persistent", func(m *api.ChannelMessage) bool { return m.GetPersistent().GetValue() }),
		vm.Str(camelIn(lang, "room_name"), (*api.ChannelMessage).GetRoomName),
		vm.Str(camelIn(lang, "group_id"), (*api.ChannelMessage).GetGroupId),
		vm.Str(camelIn(lang, "user_id_one"), (*api.ChannelMessage).GetUserIdOne),
		vm.Str(camelIn(lang, "user_id_two"), (*api.ChannelMessage).GetUserIdTwo),
	)
})

func channelIDBuild(nk *core.Module, c *vm.Call) error {
	sender := c.OptUUID("sender_id", "")
	target := c.StrNonEmpty("target")
	kind := c.Int("chan_type")
	if kind < 1 || kind > 3 {
		c.Invalid("chan_type", "expected 1 for a room, 2 for a direct message or 3 for a group")
	}
	if err := c.Err(); err != nil {
		return err
	}
	id, err := nk.ChannelIdBuild(c.Ctx, sender, target, runtime.ChannelType(kind))
	return c.ReturnStr("channel_id", id, err)
}

// readSpeaker reads in whose name a message is sent and whether it is stored. The
// default is to store it in JavaScript and not to store it in Lua.
func readSpeaker(c *vm.Call) (sender, username string, persist bool) {
	sender = c.OptUUID("sender_id", "")
	username = c.OptStr("sender_username", "")
	persist = c.OptBool("persist", c.E.Lang() == vm.JS)
	return sender, username, persist
}

func channelMessageSend(nk *core.Module, c *vm.Call) error {
	channel, content := c.Str("channel_id"), c.OptMap("content")
	sender, username, persist := readSpeaker(c)
	if err := c.Err(); err != nil {
		return err
	}
	ack, err := nk.ChannelMessageSend(c.Ctx, channel, content, sender, username, persist)
	return vm.Return(c, "ack", channelAcks.In(c.E), ack, err)
}

func channelMessageUpdate(nk *core.Module, c *vm.Call) error {
	channel, id, content := c.Str("channel_id"), c.UUID("message_id"), c.OptMap("content")
	sender, username, persist := readSpeaker(c)
	if err := c.Err(); err != nil {
		return err
	}
	ack, err := nk.ChannelMessageUpdate(c.Ctx, channel, id, content, sender, username, persist)
	return vm.Return(c, "ack", channelAcks.In(c.E), ack, err)
}

func channelMessageRemove(nk *core.Module, c *vm.Call) error {
	channel, id := c.Str("channel_id"), c.UUID("message_id")
	sender, username, persist := readSpeaker(c)
	if err := c.Err(); err != nil {
		return err
	}
	ack, err := nk.ChannelMessageRemove(c.Ctx, channel, id, sender, username, persist)
	return vm.Return(c, "ack", channelAcks.In(c.E), ack, err)
}

func channelMessagesList(nk *core.Module, c *vm.Call) error {
	channel := c.Str("channel_id")
	limit := pageLimit(c, 100)
	forward := c.OptBool("forward", true)
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	list, next, previous, err := nk.ChannelMessagesList(c.Ctx, channel, limit, forward, cursor)
	return cmp.Or(
		vm.ReturnList(c, "messages", channelMessages.In(c.E), list, err),
		c.ReturnStr("next_cursor", next, err),
		c.ReturnStr("prev_cursor", previous, err))
}
