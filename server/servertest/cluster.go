package servertest

import (
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kumi/store/storetest"
)

// Cluster starts several servers with the same options as nodes of one cluster, on a
// PostgreSQL database of their own. It skips the test if there is no PostgreSQL. Their
// names are a, b and so on.
func Cluster(t testing.TB, n int, options ...Option) []*Server {
	t.Helper()
	database := storetest.Postgres(t)
	var nodes []*Server
	var join []string
	for i := range n {
		address := FreeAddress(t)
		flags := []string{
			"--name", string(rune('a' + i)), "--database.address", database,
			"--cluster.listen", address, "--cluster.secret", "a secret of the tests",
			"--session.encryption_key", "a key of the tests", "--session.refresh_encryption_key", "another key of the tests",
		}
		if len(join) > 0 {
			flags = append(flags, "--cluster.join", strings.Join(join, ","))
		}
		nodes = append(nodes, Start(t, append([]Option{Flags(flags...)}, options...)...))
		join = append(join, address)
	}
	return nodes
}

// FreeAddress returns an address of this machine that nobody listens at. Its port is below
// those that systems give to connections and to listeners that ask for any port, so nobody
// takes it by chance before the caller does.
func FreeAddress(t testing.TB) string {
	t.Helper()
	const first, ports = 20_000, 12_000
	for range ports {
		port := first + (os.Getpid()*97+int(lastPort.Add(1)))%ports
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// lastPort counts the ports that FreeAddress tried, for processes of tests that run at the
// same time from different places.
var lastPort atomic.Uint32

// distance is how long what a client sends takes through RoundRobin. Clients are not as near
// as in a test: what one node tells the others, which takes milliseconds, has arrived when a
// client asks another node.
const distance = 200 * time.Millisecond

// RoundRobin returns servers as one, with an address that passes each connection on to the
// next of them, as a load balancer does, from clients that are far away.
func RoundRobin(t testing.TB, nodes []*Server) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var next atomic.Uint32
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			node := nodes[int(next.Add(1)-1)%len(nodes)]
			go passOn(client, strings.TrimPrefix(node.URL, "http://"))
		}
	}()
	url := "http://" + l.Addr().String()
	return &Server{Server: nodes[0].Server, URL: url, WS: "ws" + strings.TrimPrefix(url, "http") + "/ws", GRPC: nodes[0].GRPC, ModulesPath: nodes[0].ModulesPath}
}

// passOn connects a client with an address until one of the two closes.
func passOn(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{}, 2)
	go func() { passLate(server, client); done <- struct{}{} }()
	go func() { _, _ = io.Copy(client, server); done <- struct{}{} }()
	<-done
}

// passLate passes on what it reads, later and in order.
func passLate(to io.Writer, from io.Reader) {
	type piece struct {
		bytes []byte
		due   time.Time
	}
	pieces := make(chan piece, 1<<10)
	defer close(pieces)
	go func() {
		for p := range pieces {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.bytes); err != nil {
				break
			}
		}
		for range pieces { // until the reader ends
		}
	}()
	for {
		b := make([]byte, 16<<10)
		n, err := from.Read(b)
		pieces <- piece{b[:n], time.Now().Add(distance)}
		if err != nil {
			return
		}
	}
}
