package console

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/core/acl"
	"kumi/store/fault"
)

// topic is what a page can subscribe to.
type topic struct {
	name string
	// right is what the operator must be allowed to do; nil: any operator may.
	right *acl.Right
	// every is the least time between two messages.
	every time.Duration
	// polled topics are looked at that often; others when they say that there is something.
	polled bool
	// merged topics send a whole message first, and then only fields that changed.
	merged bool
	open   func(w *watch, args json.RawMessage) (feed, error)
}

// feed returns what a page has not seen of a topic, nil if that is nothing. A page that
// reads slowly asks seldom, so a feed keeps no queue: it leaves out what is outdated. It is
// called from one goroutine; an error ends the subscription.
type feed func(ctx context.Context) (proto.Message, error)

// watch is one subscription, as its topic sees it.
type watch struct {
	*Server
	ctx  context.Context // ends with the subscription
	wake func()          // to be called, from any goroutine, when there is something new
}

// opening makes the open function of a topic from one with typed arguments.
func opening[T any, In message[T]](open func(*watch, In) (feed, error)) func(*watch, json.RawMessage) (feed, error) {
	return func(w *watch, args json.RawMessage) (feed, error) {
		in := In(new(T))
		if len(args) > 0 {
			if err := fromJSON.Unmarshal(args, in); err != nil {
				return nil, invalid(strings.ReplaceAll(err.Error(), "\u00a0", " "), err)
			}
		}
		return open(w, in)
	}
}

// showing makes the open function of a topic that shows what a call returns.
func showing[Out proto.Message](do func(*Server) (Out, error)) func(*watch, json.RawMessage) (feed, error) {
	return func(w *watch, _ json.RawMessage) (feed, error) {
		return func(context.Context) (proto.Message, error) { return do(w.Server) }, nil
	}
}

// subscription is a topic that a page watches.
type subscription struct {
	id int64
	*topic
	feed   feed
	cancel context.CancelFunc
	fresh  atomic.Bool // there may be something new

	// Of the goroutine that writes:
	due  time.Time                  // of the next message, at the earliest
	sent map[string]json.RawMessage // of a merged topic
}

// subscribe opens a topic for the page, if the operator may see it.
func (p *page) subscribe(id int64, name string, args json.RawMessage) error {
	t := topicNamed(name)
	if t == nil {
		return fault.Newf(fault.NotFound, "There is no topic %q.", name)
	}
	if _, err := p.Console.Allow(p.ctx, p.from, "the topic "+name, t.right); err != nil {
		return err
	}
	p.mu.Lock()
	_, used := p.topics[id]
	full := len(p.topics) >= liveTopics
	p.mu.Unlock()
	switch { // only this goroutine adds subscriptions
	case used:
		return fault.Newf(fault.AlreadyExists, "The id %d is in use.", id)
	case full:
		return fault.Newf(fault.ResourceExhausted, "A page may have %d subscriptions.", liveTopics)
	}
	sub := &subscription{id: id, topic: t}
	ctx, cancel := context.WithCancel(p.ctx)
	var err error
	sub.cancel = cancel
	err = p.safely(name, func() error {
		sub.feed, err = t.open(&watch{p.Server, ctx, func() { sub.fresh.Store(true); p.notify() }}, args)
		return err
	})
	if err != nil {
		cancel()
		return err
	}
	sub.fresh.Store(true)
	p.mu.Lock()
	p.topics[id] = sub
	p.mu.Unlock()
	p.notify()
	return nil
}

func (p *page) unsubscribe(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if sub := p.topics[id]; sub != nil {
		sub.cancel()
		delete(p.topics, id)
	}
}

func (p *page) notify() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// write sends what is new, until the socket ends. It asks for it when the page has taken
// what came before.
func (p *page) write() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-p.wake:
		case <-timer.C:
		case <-p.ctx.Done():
			return
		}
		p.mu.Lock()
		all := make([]*subscription, 0, len(p.topics))
		for _, sub := range p.topics {
			all = append(all, sub)
		}
		p.mu.Unlock()
		next := time.Hour
		for _, sub := range all {
			if wait := time.Until(sub.due); wait > 0 {
				if sub.polled || sub.fresh.Load() {
					next = min(next, wait)
				}
				continue
			}
			if !sub.polled && !sub.fresh.Swap(false) {
				continue
			}
			p.deliver(sub)
			sub.due = time.Now().Add(sub.every)
			if sub.polled || sub.fresh.Load() {
				next = min(next, sub.every)
			}
		}
		timer.Reset(next)
	}
}

// deliver sends what is new of one topic.
func (p *page) deliver(sub *subscription) {
	var data json.RawMessage
	err := p.safely(sub.name, func() (err error) {
		data, err = sub.news(p.ctx)
		return err
	})
	if err != nil {
		p.unsubscribe(sub.id)
		if p.ctx.Err() == nil {
			p.refuse(sub.id, err)
		}
		return
	}
	if data != nil {
		p.send(answer{ID: sub.id, Data: data})
	}
}

// safely turns a panic of a topic into an error of its subscription.
func (p *page) safely(name string, do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			p.Log.Error().Str("topic", name).Interface("panic", r).Bytes("stack", debug.Stack()).Msg("topic of the console panicked")
			err = fault.New(fault.Internal, "An internal error occurred.")
		}
	}()
	return do()
}

// news returns what is new as JSON, nil for nothing.
func (sub *subscription) news(ctx context.Context) (json.RawMessage, error) {
	message, err := sub.feed(ctx)
	if err != nil || message == nil {
		return nil, err
	}
	text, err := toJSON.Marshal(message)
	if err != nil || !sub.merged {
		return text, err
	}
	now := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &now); err != nil {
		return nil, err
	}
	changed := map[string]json.RawMessage{}
	for name, value := range now {
		if before, ok := sub.sent[name]; !ok || !bytes.Equal(before, value) {
			changed[name] = value
		}
	}
	sub.sent = now
	if len(changed) == 0 {
		return nil, nil
	}
	return json.Marshal(changed)
}
