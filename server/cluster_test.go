package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"kumi/internal/testutil"
	"kumi/server/servertest"
	"kumi/store/storetest"
)

// inCluster are the settings of a node on this machine.
func inCluster(database, name string, more ...string) servertest.Option {
	return servertest.Flags(append([]string{
		"--name", name, "--database.address", database, "--cluster.listen", "127.0.0.1:0",
		"--socket.server_key", "a", "--session.encryption_key", "b", "--session.refresh_encryption_key", "c", "--runtime.http_key", "d",
		"--metrics.prefix", "",
	}, more...)...)
}

func metricsOf(t *testing.T, s *servertest.Server) string {
	t.Helper()
	return s.MetricsText()
}

// Two servers on one database find each other by the database alone, and see each other
// leave.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	var log testutil.Log
	a := servertest.Start(t, inCluster(database, "a"), servertest.LogTo(zerolog.New(&log)))
	if text := metricsOf(t, a); !strings.Contains(text, `cluster_nodes{node_name="a",state="ready"} 1`) {
		t.Error("alone, a node does not say so in its metrics")
	}
	b := servertest.Start(t, inCluster(database, "b"))
	for name, s := range map[string]*servertest.Server{"a": a, "b": b} {
		testutil.Eventually(t, name+" hears the other node", func() bool {
			return strings.Contains(metricsOf(t, s), fmt.Sprintf(`cluster_nodes{node_name=%q,state="ready"} 2`, name))
		})
	}
	if len(log.Lines(`"node":"a"`, "joined the cluster")) != 1 {
		t.Error("the log does not name the node")
	}
	b.Close()
	testutil.Eventually(t, "a knows that b has left", func() bool {
		return strings.Contains(metricsOf(t, a), `cluster_nodes{node_name="a",state="ready"} 1`)
	})
	if len(log.Lines(`"peer":"b"`, `"state":"lost"`)) != 1 {
		t.Error("a has not heard b's goodbye")
	}
	if first := log.Lines(`"peer":"b"`, `changed its state`)[0]; strings.Contains(first, `"was"`) {
		t.Errorf("b was nothing before: %s", first)
	}
}

// Nodes that would refuse each other's tokens do not join, nor does a second one of a name.
func TestNodesThatDoNotFit(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	const secret = "--cluster.secret=0123456789abcdef"
	servertest.Start(t, inCluster(database, "a", secret))
	for _, c := range []struct {
		want   string
		option servertest.Option
	}{
		{"have different keys", inCluster(database, "b", secret, "--socket.server_key", "other")},
		{"refuses this one: cluster.secret must be the same on all nodes", inCluster(database, "d", "--cluster.secret", "fedcba9876543210")},
		{"load cluster.tls_cert: open nowhere.pem", inCluster(database, "c",
			"--cluster.tls_cert", "nowhere.pem", "--cluster.tls_key", "nowhere.key", "--cluster.tls_ca", "nowhere.pem")},
		// The last one: afterwards the database says for some seconds that a has ended.
		{`the name "a" is taken`, inCluster(database, "a", secret)},
	} {
		_, err := servertest.TryStart(t, c.option)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	get := func(path string) int {
		t.Helper()
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := get("/readyz"); status != http.StatusOK {
		t.Errorf("a server that runs is ready with %d", status)
	}
	s.Drain()
	if ready, alive := get("/readyz"), get("/healthcheck"); ready != http.StatusServiceUnavailable || alive != http.StatusOK {
		t.Errorf("a server that is drained is ready with %d, and healthy with %d", ready, alive)
	}
}
