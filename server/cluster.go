package server

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"kumi/cluster"
	"kumi/cluster/bus"
	"kumi/config"
	"kumi/core"
)

const (
	// nodeKeep is the time between looks at the table of nodes.
	nodeKeep = 5 * time.Second
	// nodeEnd bounds the last write to it.
	nodeEnd = 2 * time.Second
)

// clusterNode is the part of a Server that is one of a cluster. Without cluster settings
// the server has none.
type clusterNode struct {
	*cluster.Node
	table  *core.Nodes
	bus    *bus.NATS
	game   clusterGame
	copied chan struct{} // another node's state was copied
	cancel context.CancelFunc
	done   chan struct{}
}

// makeNode makes the node, which is not connected yet: the parts of the server add their
// handlers to it.
func (s *Server) makeNode() {
	cfg := &s.config.Cluster
	if !cfg.On() {
		return
	}
	s.node = &clusterNode{table: core.NewNodes(s.db)}
	s.node.Node = cluster.New(cluster.Options{
		Name: s.config.Name, Log: s.log, Version: Version, Fingerprint: s.fingerprint(),
		DownAfter: config.Milliseconds(cfg.DownAfterMs), LostAfter: config.Milliseconds(cfg.LostAfterMs),
		Buffer: int64(cfg.BufferMB) << 20, Begin: s.beginNode,
		Replaced: func(err error) { s.fail(err) },
	})
	s.metrics.Cluster(s.node.Stats)
}

// fingerprint identifies the keys that all nodes must share, without telling them.
func (s *Server) fingerprint() []byte {
	cfg := s.config
	sum := hmac.New(sha256.New, []byte(cfg.Cluster.Secret))
	for _, key := range []config.Secret{cfg.Session.EncryptionKey, cfg.Session.RefreshEncryptionKey, cfg.Socket.ServerKey, cfg.Runtime.HTTPKey} {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(key))))
		sum.Write([]byte(key))
	}
	return sum.Sum(nil)
}

// startNode joins the cluster. It returns when the other nodes are heard and what they
// have is copied.
func (s *Server) startNode(ctx context.Context) error {
	if s.node == nil {
		return nil
	}
	if err := s.node.Start(ctx); err != nil {
		return err
	}
	keep, cancel := context.WithCancel(context.Background())
	s.node.cancel, s.node.done = cancel, make(chan struct{})
	go s.keepNode(keep)
	s.log.Info().Uint64("epoch", s.node.Epoch()).Int("peers", len(s.node.Peers())).Str("address", s.node.bus.Address()).Msg("this node has joined the cluster")
	return nil
}

// beginNode opens the connection to the others and takes the next epoch of the name.
func (s *Server) beginNode(ctx context.Context, o *cluster.Options) error {
	secure, err := clusterTLS(&s.config.Cluster)
	if err != nil {
		return err
	}
	cfg := &s.config.Cluster
	s.node.bus, err = bus.Open(ctx, bus.Options{
		Cluster: cfg.Name, Process: s.config.Name + "-" + rand.Text(), Log: s.log, TLS: secure, Secret: string(cfg.Secret),
		Listen: cfg.Listen, Advertise: cfg.Advertise, URLs: config.Addresses(cfg.NATS), Credentials: cfg.Credentials,
	})
	if err != nil {
		return err
	}
	o.Bus, o.Address = s.node.bus, s.node.bus.Address()
	run, err := s.node.table.Begin(ctx, s.config.Name, o.Address, Version)
	if err != nil {
		o.Bus.Close()
		return err
	}
	o.Epoch, o.Restarted = run.Epoch, run.Restarted
	for _, other := range run.Others {
		o.Expect = append(o.Expect, other.Name)
	}
	err = s.connectTo(append(run.Others, core.NodeAddress{Name: s.config.Name, Address: run.Before}))
	if err == nil {
		err = s.node.bus.Reach(ctx)
	}
	if err != nil {
		o.Bus.Close()
		return err
	}
	return nil
}

// clusterTLS is for both directions: it shows this node's certificate and asks for that of
// the other side.
func clusterTLS(cfg *config.Cluster) (*tls.Config, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("load cluster.tls_cert: %w", err)
	}
	roots, err := os.ReadFile(cfg.TLSCA)
	if err != nil {
		return nil, fmt.Errorf("load cluster.tls_ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		return nil, fmt.Errorf("load cluster.tls_ca: %s has no certificates", cfg.TLSCA)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}, nil
}

// connectTo connects to nodes that the database names, those of the settings, and those
// that are heard, which may have lost the database.
func (s *Server) connectTo(nodes []core.NodeAddress) error {
	addresses := config.Addresses(s.config.Cluster.Join)
	for _, n := range nodes {
		addresses = append(addresses, n.Address)
	}
	for _, p := range s.node.Peers() {
		addresses = append(addresses, p.Address)
	}
	addresses = slices.DeleteFunc(addresses, func(a string) bool { return a == "" })
	if err := s.node.bus.Join(addresses...); err != nil {
		return fmt.Errorf("connect to the other nodes: %w", err)
	}
	return nil
}

// keepNode says in the database that this node is alive, and connects to nodes that it
// reads there. While the database is away the nodes go on without.
func (s *Server) keepNode(ctx context.Context) {
	defer close(s.node.done)
	tick := time.NewTicker(nodeKeep)
	defer tick.Stop()
	for behind := false; ; {
		select {
		case <-tick.C:
		case <-s.node.copied:
			behind = true
		case <-ctx.Done():
			return
		}
		behind = behind && !s.catchUp(ctx)
		others, err := s.node.table.Keep(ctx, s.config.Name, s.node.bus.Address(), s.node.Epoch())
		if err == nil {
			err = s.connectTo(others)
		}
		if err != nil && ctx.Err() == nil && !s.db.Unreachable(err) {
			s.log.Warn().Err(err).Msg("this node could not look for the others in the database")
		}
	}
}

// leaveCluster says goodbye. The other nodes take off what is left of this one at once.
func (s *Server) leaveCluster() error {
	n := s.node
	if n == nil {
		return nil
	}
	if n.cancel != nil {
		n.cancel()
		<-n.done
	}
	n.Stop()
	if n.Epoch() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), nodeEnd)
	defer cancel()
	if err := n.table.End(ctx, s.config.Name, n.bus.Address(), n.Epoch()); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("say that this node ends: %w", err)
	}
	return nil
}
