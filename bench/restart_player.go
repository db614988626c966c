package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/bench/bare"
	"kumi/bench/wire"
)

const (
	// backTime bounds how long players may take to come back after a restart.
	backTime = time.Minute
	// quietTime bounds the wait for messages that are on their way at the end.
	quietTime = 30 * time.Second

	joinRoomCID, joinMatchCID, firstChatCID = 1, 2, 10
)

// restartedPlayer has one socket at a time, and connects again when it closes, with
// growing pauses, as applications do with Nakama's clients. Then it joins its room and its
// match again, whether it was resumed or not.
//
// It sends a numbered message to its match in each tick: that is acknowledged when a state
// of the match counts it. It sends numbered chat messages, one at a time: one is acknowledged when
// the reply to its cid comes. What was not acknowledged is not sent again, so whatever
// arrives twice was duplicated by the server.
type restartedPlayer struct {
	of      *restartedPlayers
	number  int
	session session
	match   string
	room    string

	mu      sync.Mutex
	sock    *socket
	channel string
	ready   bool // has joined both on this socket

	inputs  int            // sent to the match
	chats   int            // sent
	pending int            // number of the chat message that waits for its reply; 0: none
	acked   []string       // contents of acknowledged chat messages
	got     map[string]int // how often each content arrived

	state     restartState
	regressed int // acknowledged messages that a later state does not count
	lastState time.Time
	gap       time.Duration   // the longest between two states since mark
	marked    bool            // since mark the socket was not opened again
	waiting   bool            // since mark there was no state on a socket that was opened again
	joined    map[string]bool // whose first join was told, of the room and of the match; nil since the first mark
	presences int             // joins and leaves that were told, but for those first ones
	lost      error           // why the match could not be joined again
}

// restartState is what a match sends in each tick.
type restartState struct {
	Tick, Joins, Leaves int
	Players             map[string]struct{ Counted, Last, Again int }
}

// restartedPlayers are those of a run; of each match they are next to each other.
type restartedPlayers struct {
	*restarting
	target *target
	all    []*restartedPlayer
	failed chan error
	cancel context.CancelFunc
	ctx    context.Context
	wg     sync.WaitGroup

	mu      sync.Mutex
	talking bool
}

func (ps *restartedPlayers) add(s session, match, room string) {
	ps.all = append(ps.all, &restartedPlayer{of: ps, number: len(ps.all), session: s, match: match, room: room, got: map[string]int{}, joined: map[string]bool{}})
}

// start connects all players, and has them send once all have joined.
func (ps *restartedPlayers) start(ctx context.Context) error {
	ps.failed = make(chan error, len(ps.all))
	ps.ctx, ps.cancel = context.WithCancel(ctx)
	for _, p := range ps.all {
		ps.wg.Go(func() {
			if err := p.live(ps.ctx); err != nil && ps.ctx.Err() == nil {
				ps.failed <- err
			}
		})
		ps.wg.Go(func() { p.talk(ps.ctx) })
	}
	if err := ps.until(ctx, setupTimeout, "join", func(p *restartedPlayer) bool {
		return p.ready && p.state.Joins == ps.players
	}); err != nil {
		return err
	}
	ps.setTalking(true)
	return nil
}

func (ps *restartedPlayers) setTalking(on bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.talking = on
}

func (ps *restartedPlayers) isTalking() bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.talking
}

// until waits until all players fulfil a condition, which is called with their lock held.
func (ps *restartedPlayers) until(ctx context.Context, max time.Duration, what string, done func(*restartedPlayer) bool) error {
	for began := time.Now(); ; {
		missing := 0
		for _, p := range ps.all {
			p.mu.Lock()
			if !done(p) {
				missing++
			}
			p.mu.Unlock()
		}
		if missing == 0 {
			return nil
		}
		if time.Since(began) > max {
			return fmt.Errorf("%d of %d players did not %s within %s", missing, len(ps.all), what, max)
		}
		if err := wait(ctx, 10*time.Millisecond, ps.failed); err != nil {
			return err
		}
	}
}

// mark begins to measure the pauses of a restart.
func (ps *restartedPlayers) mark() {
	for _, p := range ps.all {
		p.mu.Lock()
		p.marked, p.waiting, p.gap = true, true, 0
		p.joined = nil
		p.mu.Unlock()
	}
}

// awaitBack waits until all players are back, and those whose match goes on have had a
// state of it.
func (ps *restartedPlayers) awaitBack(ctx context.Context) error {
	return ps.until(ctx, backTime, "come back", func(p *restartedPlayer) bool {
		return p.ready && !p.waiting || p.lost != nil
	})
}

// pauses adds the pause of each match that goes on.
func (ps *restartedPlayers) pauses(h *histogram) {
	for i := 0; i < len(ps.all); i += ps.players {
		var longest time.Duration
		for _, p := range ps.all[i : i+ps.players] {
			p.mu.Lock()
			if p.lost == nil {
				longest = max(longest, p.gap)
			}
			p.mu.Unlock()
		}
		if longest > 0 {
			h.add(longest)
		}
	}
}

// finish stops the sending and waits until all that was acknowledged has arrived, and then
// for what may arrive once more.
func (ps *restartedPlayers) finish(ctx context.Context) error {
	ps.setTalking(false)
	for began := time.Now(); ps.missing() && time.Since(began) < quietTime; {
		if err := wait(ctx, bare.TickPeriod, ps.failed); err != nil {
			return err
		}
	}
	return wait(ctx, 5*bare.TickPeriod, ps.failed)
}

// missing reports whether a reply to a chat message or a delivery of one is to come.
func (ps *restartedPlayers) missing() bool {
	for i := 0; i < len(ps.all); i += ps.players {
		if n, pending := ps.undelivered(ps.all[i : i+ps.players]); n > 0 || pending {
			return true
		}
	}
	return false
}

// undelivered counts the acknowledged chat messages that did not reach somebody in the
// room, once for each who did not get it. pending is whether a reply is to come.
func (ps *restartedPlayers) undelivered(room []*restartedPlayer) (n int, pending bool) {
	for _, p := range room {
		p.mu.Lock()
		defer p.mu.Unlock()
	}
	for _, p := range room {
		pending = pending || p.pending != 0
		for _, content := range p.acked {
			for _, q := range room {
				if q.got[content] == 0 {
					n++
				}
			}
		}
	}
	return n, pending
}

// count adds up what the players saw.
func (ps *restartedPlayers) count(r *restartReport) {
	for i := 0; i < len(ps.all); i += ps.players {
		together := ps.all[i : i+ps.players]
		lostChats, _ := ps.undelivered(together)
		r.lostChats += lostChats
		for _, p := range together {
			p.mu.Lock()
			defer p.mu.Unlock()
		}
		lost := true
		for _, p := range together {
			lost = lost && p.lost != nil
			own := p.state.Players[p.session.userID]
			r.sent += p.inputs
			r.counted += own.Counted
			r.lostInputs += p.regressed
			r.againInputs += own.Again
			r.presences += p.presences
			r.chats += p.chats
			r.acked += len(p.acked)
			for _, n := range p.got {
				r.againChats += n - 1
			}
		}
		r.joins += together[0].state.Joins - ps.players
		r.leaves += together[0].state.Leaves
		if lost {
			r.lostMatches++
		}
	}
}

// stop closes all sockets, so that the matches end.
func (ps *restartedPlayers) stop() {
	if ps.cancel == nil {
		return
	}
	ps.cancel()
	for _, p := range ps.all {
		p.mu.Lock()
		if p.sock != nil {
			_ = p.sock.conn.Close(1000, "")
		}
		p.mu.Unlock()
	}
	ps.wg.Wait()
}

// live connects, reads until the socket closes, and connects again.
func (p *restartedPlayer) live(ctx context.Context) error {
	pause := time.Duration(0)
	for first := true; ctx.Err() == nil; {
		if err := wait(ctx, pause, nil); err != nil {
			return err
		}
		s, err := p.of.target.connect(ctx, p.of.codec, p.session, "")
		if err != nil {
			if first {
				return err
			}
			pause = min(max(2*pause, 50*time.Millisecond), time.Second)
			pause += rand.N(pause / 4)
			continue
		}
		first, pause = false, 0
		p.begin(s)
		if err = p.join(s); err == nil {
			err = p.read(s)
		}
		_ = s.conn.CloseNow()
		p.mu.Lock()
		p.sock, p.ready, p.pending = nil, false, 0
		lost := p.lost
		p.mu.Unlock()
		var wrong *wrongMessage
		if errors.As(err, &wrong) {
			return wrong
		}
		if lost != nil {
			return nil
		}
	}
	return nil
}

func (p *restartedPlayer) begin(s *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sock, p.marked = s, false
}

// join asks for the room and the match.
func (p *restartedPlayer) join(s *socket) error {
	codec := p.of.codec
	if err := s.write(codec.Build(joinRoomCID, roomJoin(p.room, false))); err != nil {
		return err
	}
	return s.write(codec.Build(joinMatchCID, matchJoin(p.match)))
}

// wrongMessage is one that ends the run.
type wrongMessage struct{ error }

// read handles what arrives, until the socket closes.
func (p *restartedPlayer) read(s *socket) error {
	for {
		message, err := s.read()
		if err != nil {
			return err
		}
		if err := p.receive(message); err != nil {
			return &wrongMessage{err}
		}
	}
}

func (p *restartedPlayer) receive(message []byte) error {
	codec, now := p.of.codec, time.Now()
	env := codec.Scan(message)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch env.Kind {
	case wire.MatchData:
		return p.count(env.Data, now)
	case wire.MatchPresenceEvent, wire.ChannelPresenceEvent:
		m, err := codec.Read(message)
		if err != nil {
			return err
		}
		match, room := m.GetMatchPresenceEvent(), m.GetChannelPresenceEvent()
		p.told("match ", match.GetJoins(), match.GetLeaves())
		p.told("room ", room.GetJoins(), room.GetLeaves())
	case wire.ChannelMessage:
		m, err := codec.Read(message)
		if err != nil {
			return err
		}
		p.got[m.GetChannelMessage().GetContent()]++
	case wire.Channel:
		m, err := codec.Read(message)
		if err != nil {
			return err
		}
		p.channel = m.GetChannel().GetId()
	case wire.Match:
		p.ready = true // the room was joined before
	case wire.ChannelMessageAck:
		if p.pending != 0 && env.CID == firstChatCID+p.pending {
			p.acked = append(p.acked, p.content(p.pending))
			p.pending = 0
		}
	case wire.Error:
		if env.CID == joinMatchCID && p.inputs > 0 {
			p.lost = replyError(message)
			return nil
		}
		return replyError(message)
	}
	return nil
}

// told counts joins and leaves that the player is told. The first join of each player is none of
// them before a restart: it may come later than the states that already count that player.
func (p *restartedPlayer) told(where string, joins, leaves []*rtapi.UserPresence) {
	p.presences += len(leaves)
	for _, j := range joins {
		if who := where + j.GetUserId(); p.joined != nil && !p.joined[who] {
			p.joined[who] = true
		} else {
			p.presences++
		}
	}
}

// count reads a state of the match.
func (p *restartedPlayer) count(data []byte, now time.Time) error {
	if p.of.codec.Text() {
		decoded := make([]byte, base64.StdEncoding.DecodedLen(len(data)))
		n, err := base64.StdEncoding.Decode(decoded, data)
		if err != nil {
			return err
		}
		data = decoded[:n]
	}
	var state restartState
	if err := json.Unmarshal(data, &state); err != nil {
		return fmt.Errorf("state of a match: %w in %.200q", err, data)
	}
	if !p.lastState.IsZero() {
		p.gap = max(p.gap, now.Sub(p.lastState))
	}
	p.lastState = now
	p.waiting = p.waiting && p.marked
	before, after := p.state.Players[p.session.userID].Counted, state.Players[p.session.userID].Counted
	p.regressed += max(0, before-after)
	p.state = state
	return nil
}

func (p *restartedPlayer) content(number int) string {
	return `{"from":` + strconv.Itoa(p.number) + `,"number":` + strconv.Itoa(number) + `}`
}

// talk sends to the match in each tick, and now and then to the room.
func (p *restartedPlayer) talk(ctx context.Context) {
	timer := time.NewTimer(rand.N(bare.TickPeriod)) // spread over the tick
	defer timer.Stop()
	next, chat := time.Now(), time.Now().Add(rand.N(p.of.chat))
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		if p.of.isTalking() && p.send(now.After(chat)) {
			chat = now.Add(p.of.chat)
		}
		if next = next.Add(bare.TickPeriod); next.Before(now) {
			next = now
		}
		timer.Reset(time.Until(next))
	}
}

// send sends a message to the match and, if it is time and none waits for its reply, one
// to the room.
func (p *restartedPlayer) send(chat bool) (chatted bool) {
	codec := p.of.codec
	p.mu.Lock()
	s := p.sock
	if s == nil || !p.ready {
		p.mu.Unlock()
		return false
	}
	p.inputs++
	messages := make([][]byte, 0, 2)
	input, _ := codec.MatchDataSend(p.match, 1, []byte(strconv.Itoa(p.inputs)))
	messages = append(messages, input)
	if chat && p.pending == 0 {
		p.chats++
		p.pending, chatted = p.chats, true
		messages = append(messages, codec.Build(firstChatCID+p.chats, channelSend(p.channel, p.content(p.chats))))
	}
	p.mu.Unlock()
	for _, m := range messages {
		if s.write(m) != nil {
			return chatted // the reader notices
		}
	}
	return chatted
}
