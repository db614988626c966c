//go:build !no_cluster

package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// user is the name beside the secret. It says nothing.
	user = "kumi"
	// routePing and routePings find a connection that hangs.
	routePing, routePings = 500 * time.Millisecond, 2
	readyTimeout          = 10 * time.Second
	// reachTimeout is how long a node that does not answer is waited for, reachLook the time
	// between looks for a connection.
	reachTimeout, reachLook = 3 * time.Second, 10 * time.Millisecond
)

// embedded is a NATS server in this process. The servers of all nodes connect to one
// another: each tells those that join of the ones that it knows.
type embedded struct {
	options *server.Options
	server  *server.Server
	log     *serverLog
}

// openEmbedded starts a server and connects to it in memory.
func openEmbedded(ctx context.Context, o Options) (*NATS, error) {
	token := rand.Text()
	so, err := serverOptions(o, token)
	if err != nil {
		return nil, err
	}
	e := &embedded{options: so.Clone()} // the server changes its own
	if e.server, err = server.NewServer(so); err != nil {
		return nil, fmt.Errorf("listen for other nodes on %s: %w", o.Listen, err)
	}
	e.log = newServerLog(o.Log)
	e.server.SetLoggerV2(e.log, false, false, false)
	go e.server.Start()
	if err := e.ready(ctx); err != nil {
		e.stop()
		return nil, fmt.Errorf("listen for other nodes on %s: %w", o.Listen, err)
	}
	b, err := connect(o, "", nats.Name(o.Process), nats.InProcessServer(e.server), nats.Token(token))
	if err != nil {
		e.stop()
		return nil, fmt.Errorf("connect to the embedded NATS server: %w", err)
	}
	b.embedded = e
	return b, nil
}

// serverOptions are those of the embedded server. With DontListen it would not open its
// cluster's port either (nats-server#5174), so it listens for clients on the loopback
// interface, at a port that the system chooses, and nobody but this process has the token.
func serverOptions(o Options, token string) (*server.Options, error) {
	host, port, err := splitAddress(o.Listen)
	if err != nil {
		return nil, err
	}
	so := &server.Options{
		ServerName: o.Process, Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: token,
		NoSigs: true, MaxPayload: maxPayload,
		// Without it one slow route stalls whoever publishes.
		NoFastProducerStall: true,
		Cluster: server.ClusterOpts{
			Name: o.Cluster, Host: host, Port: port, Advertise: o.Advertise,
			NoAdvertise: true, // of the clients' port
			PoolSize:    -1,   // one connection per pair of nodes keeps the order
			// An address may be that of a node that is gone for good.
			ConnectRetries: 120, PingInterval: routePing, MaxPingsOut: routePings,
		},
	}
	so.Cluster.Compression.Mode = server.CompressionOff
	if o.Secret != "" {
		so.Cluster.Username, so.Cluster.Password = user, o.Secret
		so.Cluster.AuthTimeout = readyTimeout.Seconds()
	}
	if o.TLS != nil {
		so.Cluster.TLSConfig, so.Cluster.TLSTimeout = o.TLS, readyTimeout.Seconds()
	}
	return so, nil
}

// ready waits until the server listens.
func (e *embedded) ready(ctx context.Context) error {
	listens := make(chan bool, 1)
	go func() { listens <- e.server.ReadyForConnections(readyTimeout) }()
	select {
	case ok := <-listens:
		if !ok {
			return fmt.Errorf("the embedded NATS server is not ready after %s", readyTimeout)
		}
		return nil
	case text := <-e.log.fatal:
		return errors.New(text)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *embedded) address() string {
	if e.options.Cluster.Advertise != "" {
		return e.options.Cluster.Advertise
	}
	return e.server.ClusterAddr().String()
}

// connected returns the names of the servers that routes lead to.
func (e *embedded) connected() map[string]bool {
	names := map[string]bool{}
	if routes, err := e.server.Routez(nil); err == nil {
		for _, r := range routes.Routes {
			names[r.RemoteName] = true
		}
	}
	return names
}

// accepted reports whether another server has let this one in. A route exists before that;
// the other's subscriptions, of which each server has some of its own, come after it.
func (e *embedded) accepted() bool {
	routes, err := e.server.Routez(nil)
	return err == nil && slices.ContainsFunc(routes.Routes, func(r *server.RouteInfo) bool { return r.NumSubs > 0 })
}

func (e *embedded) join(addresses []string) error {
	next := e.options.Clone()
	next.Routes = nil
	for _, address := range slices.Sorted(slices.Values(addresses)) {
		if _, _, err := splitAddress(address); err != nil {
			return err
		}
		route := &url.URL{Scheme: "nats-route", Host: address}
		if c := &e.options.Cluster; c.Password != "" {
			route.User = url.UserPassword(c.Username, c.Password)
		}
		known := func(r *url.URL) bool { return r.Host == address }
		if address != e.address() && !slices.ContainsFunc(next.Routes, known) {
			next.Routes = append(next.Routes, route)
		}
	}
	same := func(a, b *url.URL) bool { return a.Host == b.Host }
	if slices.EqualFunc(next.Routes, e.options.Routes, same) {
		return nil
	}
	e.options = next.Clone()
	return e.server.ReloadOptions(next)
}

// reach waits as NATS.Reach does.
func (e *embedded) reach(ctx context.Context) error {
	timeout := time.After(reachTimeout)
	look := time.NewTicker(reachLook)
	defer look.Stop()
	for failed := 0; failed < len(e.options.Routes); {
		select {
		case err := <-e.log.refused:
			return err
		default:
		}
		select {
		case <-e.log.ended:
			failed++
		case <-look.C:
			if e.accepted() {
				return nil
			}
		case <-timeout:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case err := <-e.log.refused:
		return err
	default:
		return nil
	}
}

func (e *embedded) stop() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil {
		return "", 0, fmt.Errorf("%q is not an address of a node: must be host:port", address)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}
