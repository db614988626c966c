package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

// Options say how a node is connected to the others.
type Options struct {
	// Cluster is the cluster's name: letters, digits, - and _. Clusters with different
	// names do not hear each other.
	Cluster string
	// Process differs for each process of the cluster, also for those of one name.
	Process string
	Log     zerolog.Logger
	// TLS is for both directions: it has this node's certificate, the roots that those of
	// the others must come from, and asks for theirs. Nil means none.
	TLS *tls.Config

	// Listen is the address of the embedded server, host:port; empty means an external
	// one. Advertise is what other nodes reach it by, if that is not Listen.
	Listen, Advertise string
	// Secret is what the nodes show each other. Empty means none.
	Secret string

	// URLs are those of an external cluster of NATS servers, and Credentials a file with
	// a user's JWT and seed, or with a seed only (nkey).
	URLs        []string
	Credentials string
}

const (
	// queue is how many messages wait for the node before more are lost.
	queue = 64 << 10
	// maxPayload is that of the embedded server.
	maxPayload = 1 << 20

	connectTimeout = 5 * time.Second
	// publishTimeout bounds how long a connection that hangs holds up who publishes.
	publishTimeout = time.Second
	reconnectWait  = 250 * time.Millisecond
	pingEvery      = time.Second
)

// Open connects a node. With an embedded server it starts that first. It fails if the
// address is in use or the external server cannot be reached; later the connection is
// made again by itself.
func Open(ctx context.Context, o Options) (*NATS, error) {
	if o.Listen != "" {
		return openEmbedded(ctx, o)
	}
	options := []nats.Option{nats.Name(o.Process)}
	if o.TLS != nil {
		options = append(options, nats.Secure(o.TLS))
	}
	if o.Credentials != "" {
		option, err := credentials(o.Credentials)
		if err != nil {
			return nil, fmt.Errorf("read the credentials for NATS: %w", err)
		}
		options = append(options, option)
	}
	b, err := connect(o, strings.Join(o.URLs, ","), options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return b, nil
}

// credentials reads a file of either kind.
func credentials(file string) (nats.Option, error) {
	if option, err := nats.NkeyOptionFromSeed(file); err == nil {
		return option, nil
	}
	return nats.UserCredentials(file), nil
}

// NATS is a connection to a NATS server, embedded or not. It is a Bus.
type NATS struct {
	prefix   string
	process  string
	conn     *nats.Conn
	embedded *embedded // nil with an external server
	closed   chan struct{}
	once     sync.Once
	wait     sync.WaitGroup
}

func connect(o Options, url string, options ...nats.Option) (*NATS, error) {
	b := &NATS{prefix: "kumi." + o.Cluster + ".", process: o.Process, closed: make(chan struct{})}
	log := o.Log
	options = append(options,
		nats.NoEcho(), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.ReconnectBufSize(-1), // what was not sent is late: links send it again
		nats.Timeout(connectTimeout), nats.FlusherTimeout(publishTimeout), nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		nats.CustomInboxPrefix(b.prefix+"inbox"),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn().Err(err).Msg("the connection to the cluster is interrupted")
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info().Msg("the connection to the cluster is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn().Err(err).Msg("the connection to the cluster has an error")
		}),
	)
	var err error
	b.conn, err = nats.Connect(url, options...)
	return b, err
}

// Subscribe is Bus.Subscribe.
func (b *NATS) Subscribe(subjects ...string) (<-chan Message, error) {
	arrived := make(chan *nats.Msg, queue)
	for _, subject := range subjects {
		if _, err := b.conn.ChanSubscribe(b.prefix+subject, arrived); err != nil {
			return nil, closedOr(err)
		}
	}
	if err := b.conn.FlushTimeout(connectTimeout); err != nil {
		return nil, closedOr(err)
	}
	messages := make(chan Message, 256)
	b.wait.Go(func() {
		defer close(messages)
		for {
			select {
			case m := <-arrived:
				select {
				case messages <- Message{Subject: strings.TrimPrefix(m.Subject, b.prefix), Data: m.Data}:
				case <-b.closed:
					return
				}
			case <-b.closed:
				return
			}
		}
	})
	return messages, nil
}

// Publish is Bus.Publish.
func (b *NATS) Publish(subject string, data []byte) error {
	return closedOr(b.conn.Publish(b.prefix+subject, data))
}

// Process is Bus.Process.
func (b *NATS) Process() string { return b.process }

// Connected is Bus.Connected.
func (b *NATS) Connected() (processes map[string]bool, ok bool) {
	if b.embedded == nil {
		return nil, false
	}
	return b.embedded.connected(), true
}

// MaxPayload is Bus.MaxPayload.
func (b *NATS) MaxPayload() int { return int(b.conn.MaxPayload()) }

// Address returns where other nodes reach the embedded server: what was set, or where it
// listens. It is empty with an external server.
func (b *NATS) Address() string {
	if b.embedded == nil {
		return ""
	}
	return b.embedded.address()
}

// Join connects the embedded server to those of other nodes, keeps trying, and gives up
// those of the last call that are not named again. It finds the nodes that they know by
// itself. With an external server it does nothing. Callers take turns.
func (b *NATS) Join(addresses ...string) error {
	if b.embedded == nil {
		return nil
	}
	return b.embedded.join(addresses)
}

// Reach waits, after the first Join, until the embedded server is connected to another
// one or none can be reached, for a few seconds at most. It fails if a server refuses this
// one, since the secrets or the certificates differ; later refusals are only logged. With
// an external server it does nothing.
func (b *NATS) Reach(ctx context.Context) error {
	if b.embedded == nil {
		return nil
	}
	return b.embedded.reach(ctx)
}

// Close is Bus.Close.
func (b *NATS) Close() {
	b.once.Do(func() {
		_ = b.conn.FlushTimeout(publishTimeout) // it may be away
		b.conn.Close()
		close(b.closed)
		b.wait.Wait()
		if b.embedded != nil {
			b.embedded.stop()
		}
	})
}

func closedOr(err error) error {
	if errors.Is(err, nats.ErrConnectionClosed) {
		return ErrClosed
	}
	return err
}
