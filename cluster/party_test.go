package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/match/matchmaker"
	"kumi/match/party"
	"kumi/presence"
	"kumi/store/fault"
)

func (p *player) makeParty(t testing.TB, in *rtapi.PartyCreate) (id string, stream presence.Stream) {
	t.Helper()
	made, err := p.at.parties.Create(context.Background(), p.presence(), in, false)
	if err != nil {
		t.Fatal(err)
	}
	party, node, err := party.ParseID(made.PartyId)
	if err != nil {
		t.Fatal(err)
	}
	return made.PartyId, presence.Stream{Mode: presence.ModeParty, Subject: party, Label: node}
}

func (p *player) joinParty(id string) error {
	return p.at.parties.Join(context.Background(), p.presence(), id, false)
}

func (p *player) target() *rtapi.UserPresence { return p.presence().UserPresence() }

// Members of all nodes do in a party what members of one node do.
func TestPartyOfSeveralNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b", "c")
		for _, a := range all {
			defer a.close()
		}
		a, b, c := all[0], all[1], all[2]
		ctx := t.Context()
		ann, ben, cat := a.player("ann"), b.player("ben"), c.player("cat")
		after(100 * time.Millisecond)
		told := func(want string) {
			t.Helper()
			after(100 * time.Millisecond)
			if got := ann.told() + ben.told() + cat.told(); got != want {
				t.Errorf("told\n%s, not\n%s", got, want)
			}
		}
		id, stream := ann.makeParty(t, &rtapi.PartyCreate{Open: true, MaxSize: 3})
		told("[party of [ann], led by ann +ann][][]")
		if err := ben.joinParty(id); err != nil {
			t.Fatal(err)
		}
		told("[+ben][+ben party of [ann ben], led by ann][]")

		if err := c.parties.Update(ctx, cat.id, &rtapi.PartyUpdate{PartyId: id}); fault.MessageOf(err, "") != "party leader only" && err == nil {
			t.Errorf("cat, who is no leader, updates: %v", err)
		}
		if err := a.parties.Update(ctx, ann.id, &rtapi.PartyUpdate{PartyId: id, Label: `{"x":1}`}); err != nil {
			t.Error(err)
		}
		if err := cat.joinParty(id); err != nil {
			t.Error(err)
		}
		told(`[update {"x":1} request of [cat]][update {"x":1}][]`)
		if err := a.parties.Promote(ctx, ann.id, id, ben.target()); err != nil {
			t.Error(err)
		}
		told("[leader ben][leader ben][]")
		list, err := b.parties.Requests(ctx, ben.id, id)
		if err != nil || list.PartyId != id || fmt.Sprint(usernames(list.Presences)) != "[cat]" || list.Presences[0].SessionId != cat.id.String() {
			t.Errorf("requests: %v, %v", list, err)
		}
		if err := cat.joinParty(id); fault.MessageOf(err, "") != "party already has an existing join request from this user" && err == nil {
			t.Errorf("a second request: %v", err)
		}
		if err := b.parties.Accept(ctx, ben.id, id, cat.target(), false); err != nil {
			t.Error(err)
		}
		told("[+cat][+cat][+cat party of [ann ben cat], led by ben]")
		if err := a.player("dan").joinParty(id); err == nil {
			t.Error("a full party is joined")
		}

		for _, p := range []*player{ann, ben, cat} {
			after(100 * time.Millisecond) // messages of different nodes have no order
			if err := p.at.parties.Data(p.id, &rtapi.PartyDataSend{PartyId: id, OpCode: 5, Data: []byte("hi")}); err != nil {
				t.Errorf("%s sends: %v", p.name, err)
			}
		}
		told("[5 hi by ben 5 hi by cat][5 hi by ann 5 hi by cat][5 hi by ann 5 hi by ben]")
		eve := b.player("eve")
		if err := b.parties.Data(eve.id, &rtapi.PartyDataSend{PartyId: id}); err == nil || err == party.ErrNotFound {
			t.Errorf("eve, who is no member, sends: %v", err)
		}
		if err := b.parties.Data(eve.id, &rtapi.PartyDataSend{PartyId: uuid.Must(uuid.NewV4()).String() + ".a"}); err != party.ErrNotFound {
			t.Errorf("data to no party: %v", err)
		}

		ticket, err := b.parties.AddTicket(ctx, ben.id, id, matchmaker.Request{
			MinCount: 4, MaxCount: 4, Query: "+properties.mode:duel", StringProperties: map[string]string{"mode": "duel"},
			NumericProperties: map[string]float64{"rank": 7},
		})
		if err != nil || ticket.PartyId != id {
			t.Fatalf("ticket: %v, %v", ticket, err)
		}
		if got, ok := a.tickets.Ticket(ticket.Ticket); !ok || len(got.Presences) != 3 || got.NumericProperties["rank"] != 7 || got.PartyID != id {
			t.Errorf("the ticket at the party's node: %+v", got)
		}
		told("[ticket][][ticket]")
		if err := b.parties.RemoveTicket(ctx, ben.id, id, ticket.Ticket); err != nil {
			t.Error(err)
		}
		if err := b.parties.RemoveTicket(ctx, ben.id, id, ticket.Ticket); err == nil {
			t.Error("a ticket is removed twice")
		}

		if err := b.parties.Remove(ctx, ben.id, id, cat.target()); err != nil {
			t.Error(err)
		}
		told("[-cat][-cat][closed]")
		if cat.on(stream) {
			t.Error("cat was removed and is on the stream")
		}
		_ = b.parties.Leave(ben.id, id)
		told("[leader ann -ben][][]")
		if err := ben.joinParty(id); err != nil { // a request
			t.Error(err)
		}
		if err := a.parties.Accept(ctx, ann.id, id, ben.target(), false); err != nil {
			t.Error(err)
		}
		told("[request of [ben] +ben][+ben party of [ann ben], led by ann][]")
		if err := a.parties.Close(ctx, ann.id, id); err != nil {
			t.Error(err)
		}
		told("[closed][closed][]")
		if ann.on(stream) || ben.on(stream) {
			t.Error("members are on the stream of a party that was closed")
		}
		if err := ben.joinParty(id); err != party.ErrNotFound {
			t.Errorf("joining a party that was closed: %v", err)
		}
	})
}

// A party whose node is lost closes for its members; members of a node that is lost leave.
func TestPartyWhileANodeIsDownOrLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b", "c")
		for _, a := range all {
			defer a.close()
		}
		ann, ben, cat := all[0].player("ann"), all[1].player("ben"), all[2].player("cat")
		after(100 * time.Millisecond)
		id, stream := ann.makeParty(t, &rtapi.PartyCreate{Open: true, MaxSize: 3})
		for _, p := range []*player{ben, cat} {
			if err := p.joinParty(id); err != nil {
				t.Fatal(err)
			}
			after(100 * time.Millisecond)
		}
		ann.told()
		ben.told()
		cat.told()
		w.net.Cut("a", "b")
		w.net.Cut("c", "b")
		after(5 * time.Second)
		if err := all[1].parties.Promote(t.Context(), ben.id, id, cat.target()); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("a call to a node that is down: %v", err)
		}
		if err := all[0].parties.Data(ann.id, &rtapi.PartyDataSend{PartyId: id, OpCode: 1}); err != nil {
			t.Error(err)
		}
		w.net.Heal()
		after(3 * time.Second)
		if got := ann.told() + ben.told() + cat.told(); got != "[][1  by ann][1  by ann]" {
			t.Errorf("b was down for five seconds, and they are told %s", got)
		}
		w.net.Cut("a", "b")
		w.net.Cut("c", "b")
		after(15 * time.Second)
		if got := ann.told() + cat.told(); got != "[-ben][-ben]" {
			t.Errorf("b is lost, and ann and cat are told %s", got)
		}
		if got := ben.told(); strings.Count(got, "closed") != 1 { // b has lost the others
			t.Errorf("the party is lost, and ben is told %s", got)
		}
		w.net.Heal()
		after(3 * time.Second)
		if ben.on(stream) {
			t.Error("ben is on the stream")
		}
		all[0].kill(w)
		after(15 * time.Second)
		if got := cat.told(); strings.Count(got, "closed") != 1 || cat.on(stream) {
			t.Errorf("the party's node is lost, and cat is told %s; on the stream: %t", got, cat.on(stream))
		}
		if err := cat.joinParty(id); err != party.ErrNotFound {
			t.Errorf("joining a party of a node that is lost: %v", err)
		}
	})
}

// Pages of a listing of all nodes have each party once, in order.
func TestListPartiesOfAllNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b", "c")
		for _, a := range all {
			defer a.close()
		}
		number := map[string]int{}
		for i := range 12 {
			p := all[i%3].player(fmt.Sprint("p", i))
			id, _ := p.makeParty(t, &rtapi.PartyCreate{Open: i%2 == 0, MaxSize: 4, Label: fmt.Sprintf(`{"n":%d}`, i)})
			number[id] = i
			if i%4 > 0 { // some at the same time
				time.Sleep(time.Millisecond)
			}
		}
		pages := func(from *arena, f party.ListFilter) (all []int) {
			t.Helper()
			for {
				found, next, err := from.parties.List(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range found {
					all = append(all, number[p.PartyId])
				}
				if f.After = next; next == nil || len(all) > 100 {
					return all
				}
			}
		}
		open := true
		for _, from := range all {
			for limit := 1; limit < 14; limit += 4 {
				seen := map[int]bool{}
				for _, n := range pages(from, party.ListFilter{Limit: limit}) {
					seen[n] = true
				}
				if got := pages(from, party.ListFilter{Limit: limit}); len(got) != 12 || len(seen) != 12 {
					t.Errorf("pages of %d: %v", limit, got)
				}
			}
			if got := fmt.Sprint(pages(from, party.ListFilter{Limit: 2, Open: &open, Query: "+label.n:>4 label.n:8^3"})); got != "[8 10 6]" {
				t.Errorf("open ones by a query: %s", got)
			}
			if got := fmt.Sprint(pages(from, party.ListFilter{Limit: 100, Query: "+node:b"})); got != "[10 7 4 1]" {
				t.Errorf("those of a node: %s", got)
			}
		}
	})
}
