package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inCluster are the settings that every node of a cluster needs.
const inCluster = "--name=node-1 --database.address=u:p@host:5432/x --socket.server_key=a --session.encryption_key=b " +
	"--session.refresh_encryption_key=c --runtime.http_key=d"

func TestValidation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags string
		want  string // empty: valid
	}{
		{"--name=seventeen-letters", "name must be 1 to 16"},
		{"--name=", "name must be 1 to 16"},
		{"--shutdown_grace_sec=-1", "shutdown_grace_sec must be 0 or more"},
		{"--data_dir=", "data_dir must not be empty"},
		{"--logger.level=loud", "logger.level must be debug, info, warn or error (set by flag --logger.level)"},
		{"--logger.level=WARN", ""},
		{"--logger.format=xml", "logger.format must be"},
		{"--logger.format=auto", ""},
		{"--logger.rotation", "logger.rotation needs logger.file"},
		{"--session.encryption_key=", "session.encryption_key must not be empty"},
		{"--session.encryption_key=defaultrefreshencryptionkey", "must differ from session.encryption_key"},
		{"--session.token_expiry_sec=0", "session.token_expiry_sec must be 1 or more"},
		{"--session.single_match", "session.single_match needs session.single_socket"},
		{"--session.single_party", "session.single_party needs session.single_socket"},
		{"--session.single_party --session.single_socket", ""},
		{"--socket.port=70000", "socket.port must be between"},
		{"--socket.port=1", "socket.port must not be 1"},
		{"--socket.port=0", ""},
		{"--metrics.prometheus_port=7349", "metrics.prometheus_port must differ"},
		{"--metrics.prometheus_port=9100", ""},
		{"--socket.protocol=udp", "socket.protocol must be tcp, tcp4 or tcp6"},
		{"--socket.pong_wait_ms=15000", "must be greater than socket.ping_period_ms"},
		{"--socket.ssl_certificate=a.pem", "must be given together"},
		{"--socket.response_headers=nothing", "must be a list of key=value"},
		{"--socket.response_headers=X-A=1", ""},
		{"--database.dns_scan_interval_sec=0", "database.dns_scan_interval_sec must be 1"},
		{"--database.address=root:p@ss@host:port/x", "database.address must be of the form"},
		{"--database.address=root:pass@host:5432/x?sslmode=disable", ""},
		{"--runtime.http_key=", "runtime.http_key must not be empty"},
		{"--runtime.env=NOEQUALS", "an entry is not of the form KEY=VALUE"},
		{"--runtime.js_min_count=40", "runtime.js_min_count must not be greater than"},
		{"--runtime.lua_min_count=9 --runtime.lua_max_count=8", "runtime.lua_min_count must not be greater than"},
		{"--runtime.lua_registry_size=127", "runtime.lua_registry_size must be 128 or more"},
		{"--runtime.call_timeout_ms=0", "runtime.call_timeout_ms must be 1 or more"},
		{"--runtime.js_entrypoint=main.py", "runtime.js_entrypoint must end in"},
		{"--match.max_empty_sec=-1", "match.max_empty_sec must be 0 or more"},
		{"--party.idle_check_interval_ms=0", ""},
		{"--console.username=a", "console.username must be at least 3"},
		{"--console.username=a-b", "console.username must be at least 3"},
		{"--console.username=_ab", "console.username must be at least 3"},
		{"--console.username=a.b", ""},
		{"--mfa.storage_encryption_key=short", "mfa.storage_encryption_key must be exactly 32"},
		{"--mfa.storage_encryption_key=", ""},
		{"--google_auth.credentials_json={", "google_auth.credentials_json must be valid JSON"},
		{"--satori.url=https://s", "satori.api_key must not be empty"},
		{"--satori.api_key=k", "satori.url must not be empty"},
		{"--satori.url=s --satori.api_key=a --satori.api_key_name=b --satori.signing_key=c", "satori.url must be an absolute URL"},
		{"--satori.url=https://s --satori.api_key=a --satori.api_key_name=b --satori.signing_key=c", ""},
		{"--cluster.listen=127.0.0.1:0", "name must not have its default in a cluster"},
		{"--cluster.listen=127.0.0.1:0", "database.address must be set in a cluster"},
		{"--cluster.listen=10.0.0.1:0", "session.encryption_key must not have its default in a cluster"},
		{"--cluster.nats=tls://10.0.0.1:4222", "runtime.http_key must not have its default in a cluster"},
		{"--name=a --database.address=a:b@c:5432/d --cluster.listen=127.0.0.1:7352 --cluster.secret=0123456789abcdef", ""},
		{"--cluster.listen=127.0.0.1:0 " + inCluster, ""},
		{"--cluster.listen=localhost:7352 " + inCluster, ""},
		{"--cluster.listen=:7352 " + inCluster, `cluster.listen must be host:port, not ":7352"`},
		{"--cluster.listen=10.0.0.1 " + inCluster, `cluster.listen must be host:port, not "10.0.0.1"`},
		{"--cluster.listen=10.0.0.1:7352 " + inCluster, "cluster.secret must be set unless"},
		{"--cluster.listen=0.0.0.0:7352 " + inCluster, "cluster.advertise must be set when"},
		{"--cluster.listen=10.0.0.1:7352 --cluster.secret=short " + inCluster, "cluster.secret must have at least 16"},
		{"--cluster.listen=10.0.0.1:7352 --cluster.secret=0123456789abcdef " + inCluster, "cluster.tls_cert must be set unless"},
		{"--cluster.listen=10.0.0.1:7352 --cluster.secret=0123456789abcdef --cluster.insecure " + inCluster, ""},
		{"--cluster.listen=10.0.0.1:7352 --cluster.insecure " + inCluster, "cluster.secret must be set unless"},
		{"--cluster.listen=10.0.0.1:7352 --cluster.secret=0123456789abcdef --cluster.tls_cert=c --cluster.tls_key=k " + inCluster, "must be given together"},
		{"--cluster.listen=10.0.0.1:7352 --cluster.secret=0123456789abcdef --cluster.tls_cert=c --cluster.tls_key=k --cluster.tls_ca=a " + inCluster, ""},
		{"--cluster.listen=127.0.0.1:0 --cluster.nats=nats://127.0.0.1:4222 " + inCluster, "cluster.nats and cluster.listen exclude"},
		{"--cluster.listen=127.0.0.1:0 --cluster.join=a:1,b " + inCluster, `cluster.join must be host:port, not "b"`},
		{"--cluster.join=a:1", "cluster.listen must be set for"},
		{"--cluster.nats=http://a " + inCluster, "cluster.nats must be nats://host:port or tls://host:port"},
		{"--cluster.nats=nats://10.0.0.1:4222 " + inCluster, "cluster.nats must be tls://"},
		{"--cluster.nats=tls://10.0.0.1:4222,tls://10.0.0.2:4222 " + inCluster, ""},
		{"--cluster.name=a.b", "cluster.name must be 1 to 32 letters"},
		{"--cluster.placement=far", "cluster.placement must be near or spread"},
		{"--cluster.lost_after_ms=1500", "cluster.lost_after_ms must be greater than"},
		{"--satori.cache_mode=disk", "satori.cache_mode must be context or time"},
	} {
		args := strings.Fields(c.flags)
		if c.want == "" {
			mustLoad(t, args, nil)
			continue
		}
		got := problems(t, args, nil)
		if !slices.ContainsFunc(got, func(p string) bool { return strings.Contains(p, c.want) }) {
			t.Errorf("%s gave %q, want %q", c.flags, got, c.want)
		}
	}
}

func TestValidationCollectsAllProblems(t *testing.T) {
	t.Parallel()
	got := problems(t, []string{"--name=", "--socket.protocol=x", "--match.call_queue_size=0"}, nil)
	if len(got) != 3 {
		t.Errorf("got %d problems %q, want 3", len(got), got)
	}
	got = problems(t, []string{"--socket.port=abc", "--socket.prot=1", "loose"}, []string{"KUMI_MATCH_MAX_EMPTY_SEC=x"})
	if len(got) != 4 {
		t.Errorf("got %d problems %q, want 4", len(got), got)
	}
}

func TestEntrypointMayBeTypeScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.ts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, []string{"--runtime.path", dir, "--runtime.js_entrypoint", "main.ts"}, nil)
}

func TestDatabaseAloneIsValidated(t *testing.T) {
	t.Parallel()
	cfg, _, err := Parse([]string{"--socket.protocol=x"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.ValidateDatabase(); err != nil {
		t.Errorf("a bad socket section failed the database check: %v", err)
	}
	cfg.Database.DNSScanIntervalSec = 0
	if cfg.ValidateDatabase() == nil {
		t.Error("a bad database section passed")
	}
}

func TestMessagesHoldNoPassword(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--database.address=root:s3cr3t@host:s3cr3t/x"},
		{"--database.address=root:s3cr3t%zz@host/x"},
		{"--database.address=root:s3cr3t\x01@host/x"},
		{"--runtime.env=s3cr3t"},
		{"--google_auth.credentials_json={s3cr3t"},
		{file(t, "a.yml", "runtime:\n  http_key: \"s3cr3t\n  name: [\n")},
	} {
		for _, p := range problems(t, args, nil) {
			if strings.Contains(p, "s3cr3t") {
				t.Errorf("%q shows a secret: %s", args, p)
			}
		}
	}
}
