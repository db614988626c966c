package test

import (
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// chat has the same game in each language: a filter of messages, a note of
// what was said, and functions that send.
var chat = map[string][]servertest.Option{
	"javascript": {servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRtBefore("ChannelMessageSend", (ctx, logger, nk, envelope) => {
				const content = JSON.parse(envelope.channelMessageSend.content);
				if (content.text === "unspeakable") throw { message: "not here", code: 7 };
				content.text = content.text.replace("darn", "****");
				envelope.channelMessageSend.content = JSON.stringify(content);
				return envelope;
			});
			initializer.registerRtAfter("ChannelMessageSend", (ctx, logger, nk, out, envelope) => {
				nk.notificationSend(ctx.userId, "said", { text: JSON.parse(envelope.channelMessageSend.content).text, id: out.channelMessageAck.messageId }, 5, null, true);
			});
			initializer.registerBeforeListChannelMessages((ctx, logger, nk, req) => { req.limit = req.limit || 50; return req; });
			initializer.registerRpc("announce", (ctx, logger, nk, payload) => {
				const id = nk.channelIdBuild("", "lobby", 1);
				const ack = nk.channelMessageSend(id, { text: payload }, null, "herald");
				const list = nk.channelMessagesList(id, 100);
				return JSON.stringify([ack.channelId, ack.persistent, ack.username, list.messages.length, list.messages[list.messages.length - 1].username]);
			});
		}`)},
	"lua": {servertest.Module("chat.lua", `
		local nk = require("nakama")
		nk.register_rt_before(function(ctx, envelope)
			local content = nk.json_decode(envelope.channel_message_send.content)
			if content.text == "unspeakable" then error({ "not here", 7 }) end
			content.text = content.text:gsub("darn", "****")
			envelope.channel_message_send.content = nk.json_encode(content)
			return envelope
		end, "ChannelMessageSend")
		nk.register_rt_after(function(ctx, out, envelope)
			local content = nk.json_decode(envelope.channel_message_send.content)
			nk.notification_send(ctx.user_id, "said", { text = content.text, id = out.channel_message_ack.message_id }, 5, nil, true)
		end, "ChannelMessageSend")
		nk.register_req_before(function(ctx, req) req.limit = req.limit or 50 return req end, "ListChannelMessages")
		nk.register_rpc(function(ctx, payload)
			local id = nk.channel_id_build("", "lobby", 1)
			local ack = nk.channel_message_send(id, { text = payload }, nil, "herald", true)
			local list = nk.channel_messages_list(id, 100)
			return nk.json_encode({ ack.channelId, ack.persistent, ack.username, #list, list[#list].username })
		end, "announce")`)},
}

func TestChat(t *testing.T) {
	t.Parallel()
	for language, options := range chat {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, options...)
			ann, ben := srv.User(t, "ann"), srv.User(t, "ben")
			a, b := ann.Socket(t), ben.Socket(t)

			// In the lobby.
			if e := a.Call(t, "channel_join", `{"target":"lobby","type":1,"persistence":true,"hidden":false}`); e.Field("channel", "id") != "2...lobby" {
				t.Fatalf("join: %s", e)
			}
			b.Call(t, "channel_join", `{"target":"lobby","type":1}`)
			if e := a.Expect(t, "channel_presence_event"); e.Field("channel_presence_event", "room_name") != "lobby" {
				t.Errorf("presence: %s", e)
			}
			ack := a.Call(t, "channel_message_send", `{"channel_id":"2...lobby","content":"{\"text\":\"darn it\"}"}`)
			id := ack.Field("channel_message_ack", "message_id")
			if id == "" || ack.Field("channel_message_ack", "username") != "ann" {
				t.Fatalf("acknowledgement: %s", ack)
			}
			for _, s := range []*servertest.Socket{a, b} {
				e := s.Expect(t, "channel_message")
				if e.Field("channel_message", "content") != `{"text":"**** it"}` || e.Field("channel_message", "sender_id") != ann.ID ||
					!strings.Contains(string(e["channel_message"]), `"code":0`) || !strings.Contains(string(e["channel_message"]), `"persistent":true`) {
					t.Errorf("message: %s", e["channel_message"])
				}
			}
			if e := a.Expect(t, "notifications"); !strings.Contains(string(e["notifications"]), `**** it`) {
				t.Errorf("what the after hook sent: %s", e["notifications"])
			}
			if e := a.Call(t, "channel_message_send", `{"channel_id":"2...lobby","content":"{\"text\":\"unspeakable\"}"}`); !strings.Contains(string(e["error"]), "not here") || !strings.Contains(string(e["error"]), `"code":7`) {
				t.Errorf("refused message: %s", e)
			}
			for kind, body := range map[string]string{
				"channel_join":           `{"target":"` + ben.ID + `","type":3}`,
				"channel_leave":          `{"channel_id":"lobby"}`,
				"channel_message_update": `{"channel_id":"2...lobby","message_id":"` + id + `","content":"no object"}`,
				"channel_message_remove": `{"channel_id":"2...elsewhere","message_id":"` + id + `"}`,
			} {
				if e := a.Call(t, kind, body); !strings.Contains(string(e["error"]), `"code":3`) {
					t.Errorf("%s %s: %s, want error 3", kind, body, e)
				}
			}
			if e := b.Call(t, "channel_message_update", `{"channel_id":"2...lobby","message_id":"`+id+`","content":"{}"}`); !strings.Contains(string(e["error"]), `"code":3`) {
				t.Errorf("update of another's message: %s", e)
			}
			if e := a.Call(t, "channel_message_update", `{"channel_id":"2...lobby","message_id":"`+id+`","content":"{\"text\":\"new\"}"}`); e.Field("channel_message_ack", "message_id") != id {
				t.Errorf("update: %s", e)
			}
			if e := b.Expect(t, "channel_message"); !strings.Contains(string(e["channel_message"]), `"code":1`) {
				t.Errorf("told of the update: %s", e)
			}

			// A direct message notifies, and both read the history.
			e := a.Call(t, "channel_join", `{"target":"`+ben.ID+`","type":2}`)
			direct := e.Field("channel", "id")
			if n := string(b.Expect(t, "notifications")["notifications"]); !strings.Contains(n, `"code":-1`) || !strings.Contains(n, ann.ID) {
				t.Errorf("notification of a direct message: %s", n)
			}
			a.Call(t, "channel_message_send", `{"channel_id":"`+direct+`","content":"{\"text\":\"psst\"}"}`)
			if h := ben.Do(t, http.MethodGet, "/v2/channel/"+direct, ""); h.Status != 200 || !strings.Contains(h.Body, "psst") || h.Get("cacheable_cursor") == "" {
				t.Errorf("history for ben: %d %s", h.Status, h.Body)
			}
			if h := srv.User(t, "eve").Do(t, http.MethodGet, "/v2/channel/"+direct, ""); h.Status != 400 || h.Code() != 3 {
				t.Errorf("history for eve: %d %s, want 400", h.Status, h.Body)
			}

			// A module speaks, and what it says is there to read.
			if got, answer := srv.RPC(t, "announce", "hear ye"); got != `["2...lobby",true,"herald",2,"herald"]` {
				t.Errorf("announce: %s %s", got, answer.Body)
			}
			if e := b.Expect(t, "channel_message"); e.Field("channel_message", "content") != `{"text":"hear ye"}` {
				t.Errorf("announced: %s", e)
			}
			if h := ben.Do(t, http.MethodGet, "/v2/channel/2...lobby?forward=false", ""); !strings.Contains(h.Body, `hear ye`) || !strings.Contains(h.Body, `new`) {
				t.Errorf("history, its limit set by a hook: %d %s", h.Status, h.Body)
			}

			// Notifications of both kinds are kept and can be deleted.
			n := ben.Do(t, http.MethodGet, "/v2/notification?limit=10", "")
			if n.Status != 200 || !strings.Contains(n.Body, "wants to chat") || n.Get("cacheable_cursor") == "" {
				t.Fatalf("notifications: %d %s", n.Status, n.Body)
			}
			if again := ben.Do(t, http.MethodGet, "/v2/notification?limit=10&cacheable_cursor="+n.Get("cacheable_cursor"), ""); strings.Contains(again.Body, "subject") || again.Get("cacheable_cursor") == "" {
				t.Errorf("nothing new: %d %s", again.Status, again.Body)
			}
			_, rest, _ := strings.Cut(n.Body, `"id":"`)
			notification, _, _ := strings.Cut(rest, `"`)
			if d := ben.Do(t, http.MethodDelete, "/v2/notification?ids="+notification, ""); d.Status != 200 || d.Body != "{}" {
				t.Errorf("delete: %d %s", d.Status, d.Body)
			}
			if n := ben.Do(t, http.MethodGet, "/v2/notification?limit=10", ""); strings.Contains(n.Body, "subject") {
				t.Errorf("after deletion: %s", n.Body)
			}
			for query, status := range map[string]int{"GET /v2/notification?limit=0": 400, "GET /v2/notification?cacheable_cursor=x": 400, "DELETE /v2/notification?ids=x": 500, "DELETE /v2/notification": 200} {
				method, path, _ := strings.Cut(query, " ")
				if n := ben.Do(t, method, path, ""); n.Status != status {
					t.Errorf("%s: %d %s, want %d", query, n.Status, n.Body, status)
				}
			}
			a.Call(t, "channel_leave", `{"channel_id":"2...lobby"}`)
		})
	}
}
