package test

import (
	"encoding/json"
	"testing"

	"kumi/server/servertest"
)

// Modules list the waiting tickets and remove them.
func TestModulesAndTickets(t *testing.T) {
	t.Parallel()
	for language, option := range map[string]servertest.Option{
		"javascript": servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				const snake = (list) => list.map((t) => ({ ticket: t.ticket, party_id: t.partyId, query: t.query, min_count: t.minCount, max_count: t.maxCount, count_multiple: t.countMultiple,
					string_properties: t.stringProperties, numeric_properties: t.numericProperties, create_time: t.createTime, presences: t.presences.map((p) => ({ user_id: p.userId })) }));
				initializer.registerRpc("tickets", (ctx, logger, nk, user) => JSON.stringify(snake(nk.matchmakerTickets(2, user))));
				initializer.registerRpc("drop", (ctx, logger, nk, ticket) => { nk.matchmakerRemove(ticket); });
			}`),
		"lua": servertest.Module("main.lua", `
			local nk = require("nakama")
			nk.register_rpc(function(ctx, user) return nk.json_encode(nk.matchmaker_tickets(2, user)) end, "tickets")
			nk.register_rpc(function(ctx, ticket) nk.matchmaker_remove(ticket) end, "drop")`),
		"go": hookAll("go", "pass"),
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, option)
			annUser, benUser := srv.User(t, "ann"), srv.User(t, "ben")
			ann, ben := annUser.Socket(t), benUser.Socket(t)
			first := addTicket(t, ann, `{"min_count":2,"max_count":4,"count_multiple":2,"query":"+properties.a:b","string_properties":{"a":"b"},"numeric_properties":{"n":1.5}}`)
			second := addTicket(t, ben, `{"min_count":2,"max_count":2}`)
			addTicket(t, ben, `{"min_count":2,"max_count":3}`)
			type ticket struct {
				Ticket, Query     string
				PartyID           string             `json:"party_id"`
				MinCount          float64            `json:"min_count"`
				MaxCount          float64            `json:"max_count"`
				CountMultiple     float64            `json:"count_multiple"`
				StringProperties  map[string]string  `json:"string_properties"`
				NumericProperties map[string]float64 `json:"numeric_properties"`
				CreateTime        float64            `json:"create_time"`
				Presences         []struct {
					UserID string `json:"user_id"`
				}
			}
			list := func(user string) (found []ticket) {
				t.Helper()
				text, a := srv.RPC(t, "tickets", user)
				if err := json.Unmarshal([]byte(text), &found); err != nil {
					t.Fatalf("%v in %q %s", err, text, a.Body)
				}
				return found
			}
			all := list("")
			if len(all) != 2 || all[0].Ticket != first || all[1].Ticket != second {
				t.Fatalf("the two oldest are %+v", all)
			}
			x := all[0]
			if x.Query != "+properties.a:b" || x.PartyID != "" || x.MinCount != 2 || x.MaxCount != 4 || x.CountMultiple != 2 || x.StringProperties["a"] != "b" ||
				x.NumericProperties["n"] != 1.5 || x.CreateTime < 1.6e9 || x.CreateTime > 1e11 || len(x.Presences) != 1 || x.Presences[0].UserID != annUser.ID {
				t.Errorf("the first is %+v", x)
			}
			if _, a := srv.RPC(t, "drop", second); a.Status != 200 {
				t.Errorf("drop: %d %s", a.Status, a.Body)
			}
			if _, a := srv.RPC(t, "drop", second); a.Code() != 5 {
				t.Errorf("drop what is gone: %d %s, want code 5", a.Status, a.Body)
			}
			if of := list(benUser.ID); len(of) != 1 || of[0].MaxCount != 3 {
				t.Errorf("ben has %+v", of)
			}
			if _, a := srv.RPC(t, "tickets", "x"); a.Code() != 3 && language == "go" {
				t.Errorf("tickets of no user: %d %s, want code 3", a.Status, a.Body)
			}
		})
	}
}
