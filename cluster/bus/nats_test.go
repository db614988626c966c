//go:build !no_cluster

package bus_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kumi/cluster/bus"
	"kumi/cluster/bus/bustest"
	"kumi/internal/testutil"
)

// open opens a bus until the test ends. Its embedded server listens on a free port.
func open(t *testing.T, process string, changes ...func(*bus.Options)) *bus.NATS {
	t.Helper()
	o := bus.Options{Cluster: "test", Process: process, Listen: "127.0.0.1:0", Log: zerolog.Nop()}
	for _, change := range changes {
		change(&o)
	}
	b, err := bus.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func subscribe(t *testing.T, b bus.Bus, subjects ...string) <-chan bus.Message {
	t.Helper()
	messages, err := b.Subscribe(subjects...)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

// meet publishes on one bus until another hears it.
func meet(t *testing.T, from bus.Bus, hears <-chan bus.Message) {
	t.Helper()
	testutil.Eventually(t, "one bus hears the other", func() bool {
		_ = from.Publish("meet", nil) // it may be connecting
		select {
		case <-hears:
			return true
		case <-time.After(10 * time.Millisecond):
			return false
		}
	})
}

// checkBuses sends numbers over two buses and wants them in order, on their subjects
// only, and not back at the sender.
func checkBuses(t *testing.T, a, b bus.Bus) {
	t.Helper()
	atA, atB := subscribe(t, a, "meet", "one", "two"), subscribe(t, b, "meet", "one", "two")
	meet(t, a, atB)
	meet(t, b, atA)
	const count = 1000
	for i := range count {
		subject := []string{"one", "two", "three"}[i%3]
		if err := a.Publish(subject, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range count {
		if i%3 == 2 {
			continue
		}
		m := <-atB
		for m.Subject == "meet" {
			m = <-atB
		}
		if want := []string{"one", "two"}[i%3]; m.Subject != want || string(m.Data) != fmt.Sprint(i) {
			t.Fatalf("message %d is %q on %s", i, m.Data, m.Subject)
		}
	}
	for len(atA) > 0 {
		if m := <-atA; m.Subject != "meet" {
			t.Fatalf("a hears %s of its own", m.Subject)
		}
	}
}

func TestEmbeddedServers(t *testing.T) {
	t.Parallel()
	a, b := open(t, "a"), open(t, "b")
	if err := b.Join(a.Address()); err != nil {
		t.Fatal(err)
	}
	checkBuses(t, a, b)
	// A third is told of the second by the first.
	c := open(t, "c")
	if err := c.Join(a.Address(), c.Address()); err != nil {
		t.Fatal(err)
	}
	hears := subscribe(t, c, "meet")
	meet(t, b, hears)
	a.Close()
	meet(t, b, hears)
	if err := a.Publish("meet", nil); err != bus.ErrClosed {
		t.Errorf("publish after Close: %v", err)
	}
}

// While the external server is away nobody waits for it, and afterwards all is as before.
func TestExternalServerComesBack(t *testing.T) {
	t.Parallel()
	s := bustest.StartServer(t)
	there := func(o *bus.Options) { o.Listen, o.URLs = "", []string{s.URL()} }
	a, b := open(t, "a", there), open(t, "b", there)
	hears := subscribe(t, b, "meet")
	meet(t, a, hears)
	s.Stop()
	testutil.Eventually(t, "a says that it cannot send", func() bool { return a.Publish("meet", nil) != nil })
	s.Start()
	testutil.Eventually(t, "a can send again", func() bool { return a.Publish("meet", nil) == nil })
	for len(hears) > 0 {
		<-hears
	}
	meet(t, a, hears)
}

func TestExternalServer(t *testing.T) {
	t.Parallel()
	s := bustest.StartServer(t)
	there := func(o *bus.Options) { o.Listen, o.URLs = "", []string{s.URL()} }
	checkBuses(t, open(t, "a", there), open(t, "b", there))
	other := open(t, "c", there, func(o *bus.Options) { o.Cluster = "another" })
	hears := subscribe(t, other, "meet")
	d := open(t, "d", there)
	meet(t, d, subscribe(t, open(t, "e", there), "meet"))
	if len(hears) > 0 {
		t.Error("a node of another cluster hears")
	}
}

func TestServerThatIsAway(t *testing.T) {
	t.Parallel()
	_, err := bus.Open(t.Context(), bus.Options{Cluster: "test", URLs: []string{"nats://127.0.0.1:1"}, Log: zerolog.Nop()})
	if err == nil || !strings.Contains(err.Error(), "connect to NATS") {
		t.Errorf("a server that is away: %v", err)
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	used, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	_, err = bus.Open(t.Context(), bus.Options{Cluster: "test", Process: "a", Listen: used.Addr().String(), Log: zerolog.Nop()})
	if err == nil || !strings.Contains(err.Error(), "listen for other nodes on "+used.Addr().String()) {
		t.Errorf("an address in use: %v", err)
	}
	if _, err = bus.Open(t.Context(), bus.Options{Cluster: "test", Listen: "here", Log: zerolog.Nop()}); err == nil || !strings.Contains(err.Error(), `"here" is not an address`) {
		t.Errorf("no address: %v", err)
	}
}

// authority signs the certificates of a test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	a := &authority{pool: x509.NewCertPool()}
	a.key, a.cert = a.sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) sign(t *testing.T, c *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: "kumi test"}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := c, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// config is that of a node with a certificate of the authority.
func (a *authority) config(t *testing.T) *tls.Config {
	key, cert := a.sign(t, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
		RootCAs:      a.pool, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}
}

func TestSecretAndTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	secure := func(o *bus.Options) { o.Secret, o.TLS = "0123456789abcdef", ca.config(t) }
	a, b := open(t, "a", secure), open(t, "b", secure)
	if err := b.Join(a.Address()); err != nil {
		t.Fatal(err)
	}
	checkBuses(t, a, b)
}

// A node is told why it is refused: its start fails, and the other node says it in one line.
func TestRefusalNamesTheSetting(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for name, c := range map[string]struct {
		stranger    func(*bus.Options)
		want, other string
	}{
		"secret":      {func(o *bus.Options) { o.Secret, o.TLS = "fedcba9876543210", ca.config(t) }, "cluster.secret", "cluster.secret"},
		"no secret":   {func(o *bus.Options) { o.TLS = ca.config(t) }, "cluster.secret", "cluster.secret"},
		"certificate": {func(o *bus.Options) { o.Secret, o.TLS = "0123456789abcdef", newAuthority(t).config(t) }, "cluster.tls_ca", "cluster.tls_ca"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log, own testutil.Log
			a := open(t, "a", func(o *bus.Options) {
				o.Secret, o.TLS, o.Log = "0123456789abcdef", ca.config(t), zerolog.New(&log)
			})
			b := open(t, "b", c.stranger, func(o *bus.Options) { o.Log = zerolog.New(&own) })
			if err := b.Join(a.Address(), "127.0.0.1:1"); err != nil {
				t.Fatal(err)
			}
			if err := b.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), a.Address()) {
				t.Errorf("the start ends with %v", err)
			}
			tries := func(l *testutil.Log) int { return len(l.Lines("Router connection closed")) }
			testutil.Eventually(t, "b tries again", func() bool { return tries(&log) > 1 && tries(&own) > 1 })
			for _, l := range []*testutil.Log{&log, &own} {
				var said []string
				for _, line := range l.Lines(`"level":"warn"`) {
					if !strings.Contains(line, "127.0.0.1:1:") {
						said = append(said, line)
					}
				}
				if len(said) != 1 || !strings.Contains(said[0], c.other) || strings.Contains(said[0], "rid:") {
					t.Errorf("the log says %q", said)
				}
			}
		})
	}
}

// A node that reaches another one, or nobody, does not wait.
func TestReach(t *testing.T) {
	t.Parallel()
	a, b, c := open(t, "a"), open(t, "b"), open(t, "c")
	if err := b.Join(a.Address(), "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	if err := c.Join("127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	for _, x := range []*bus.NATS{a, b, c} {
		if err := x.Reach(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if processes, _ := b.Connected(); !processes["a"] {
		t.Error("b is not connected to a")
	}
}

// A node with another secret, a certificate of another authority, or none, hears nothing,
// and the node that it wants to join says so once.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for name, stranger := range map[string]func(*bus.Options){
		"wrong secret":      func(o *bus.Options) { o.Secret, o.TLS = "fedcba9876543210", ca.config(t) },
		"no secret":         func(o *bus.Options) { o.TLS = ca.config(t) },
		"other certificate": func(o *bus.Options) { o.Secret, o.TLS = "0123456789abcdef", newAuthority(t).config(t) },
		"no TLS":            func(o *bus.Options) { o.Secret = "0123456789abcdef" },
		"other cluster": func(o *bus.Options) {
			o.Cluster, o.Secret, o.TLS = "other", "0123456789abcdef", ca.config(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log testutil.Log
			a := open(t, "a", func(o *bus.Options) {
				o.Secret, o.TLS, o.Log = "0123456789abcdef", ca.config(t), zerolog.New(&log)
			})
			b := open(t, "b", stranger)
			hears := subscribe(t, b, "meet")
			if err := b.Join(a.Address()); err != nil {
				t.Fatal(err)
			}
			testutil.Eventually(t, "the node logs whom it refused", func() bool { return len(log.Lines(`"level":"warn"`)) > 0 })
			if err := a.Publish("meet", nil); err != nil {
				t.Fatal(err)
			}
			if len(hears) > 0 {
				t.Error("a stranger hears a message")
			}
		})
	}
}

// Nobody gets in through the port for clients without the token.
func TestClientPortIsClosed(t *testing.T) {
	t.Parallel()
	a := open(t, "a")
	address := a.ClientAddress()
	if !strings.HasPrefix(address, "127.0.0.1:") {
		t.Errorf("the port for clients is open on %s", address)
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = fmt.Fprint(c, "CONNECT {\"verbose\":true}\r\nSUB kumi.> 1\r\nPING\r\n")
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	answer, _ := io.ReadAll(c)
	if !strings.Contains(string(answer), "Authorization Violation") {
		t.Errorf("the port for clients answers %q", answer)
	}
}

// A node that has ended is no longer connected.
func TestConnected(t *testing.T) {
	t.Parallel()
	a, b := open(t, "a"), open(t, "b")
	if err := b.Join(a.Address()); err != nil {
		t.Fatal(err)
	}
	connected := func() bool {
		processes, ok := a.Connected()
		return ok && processes["b"]
	}
	testutil.Eventually(t, "a has a connection to b", connected)
	b.Close()
	testutil.Eventually(t, "a has none any more", func() bool { return !connected() })
}

// Nodes that are not named again are given up, and those that are stay connected.
func TestJoinForgetsAddresses(t *testing.T) {
	t.Parallel()
	a, b, c := open(t, "a"), open(t, "b"), open(t, "c")
	hears := subscribe(t, c, "meet")
	gone := "127.0.0.1:1"
	for _, addresses := range [][]string{{gone, b.Address()}, {b.Address(), c.Address()}, {c.Address(), b.Address()}} {
		if err := a.Join(addresses...); err != nil {
			t.Fatal(err)
		}
	}
	meet(t, a, hears)
	if err := a.Join(c.Address()); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := a.Publish("meet", nil); err != nil {
			t.Fatal(err)
		}
		<-hears
	}
}
