package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// file writes a YAML file and returns its --config flag.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "--config=" + path
}

func mustLoad(t *testing.T, args, env []string) *Config {
	t.Helper()
	cfg, _, err := Load(args, env)
	if err != nil {
		t.Fatalf("Load(%q, %q): %v", args, env, err)
	}
	return cfg
}

// problems loads settings that must be refused and returns what was wrong.
func problems(t *testing.T, args, env []string) []string {
	t.Helper()
	_, _, err := Load(args, env)
	var p *Problems
	if !errors.As(err, &p) {
		t.Fatalf("Load(%q, %q) gave %v, want a list of problems", args, env, err)
	}
	return p.List
}

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	cfg := mustLoad(t, nil, nil)
	if cfg.Socket.Port != 7350 || cfg.Session.TokenExpirySec != 60 || cfg.Runtime.JSMinCount != 16 ||
		cfg.Match.InputQueueSize != 128 || cfg.Matchmaker.IntervalSec != 15 || cfg.Name != "nakama" {
		t.Errorf("defaults differ from the documented ones: %+v", cfg.Entries())
	}
	if len(cfg.Database.Address) != 0 {
		t.Errorf("database.address defaults to %v, want none (embedded database)", cfg.Database.Address)
	}
	if want := filepath.Join("data", "modules"); cfg.Runtime.Path != want {
		t.Errorf("runtime.path defaults to %q, want %q", cfg.Runtime.Path, want)
	}
}

func TestSourcesOverrideInOrder(t *testing.T) {
	t.Parallel()
	first := file(t, "a.yml", "name: first\nsocket:\n  port: 1000\n  address: a\n  proxy_count: 7\nmatch: {input_queue_size: 5}\n")
	second := file(t, "b.yml", "socket:\n  port: 2000\n  address: b\n")
	cfg := mustLoad(t,
		[]string{first, second, "--socket.port", "4000"},
		[]string{"KUMI_SOCKET_PORT=3000", "KUMI_SOCKET_ADDRESS=c", "OTHER=x"})
	got := fmt.Sprint(cfg.Name, cfg.Socket.Port, cfg.Socket.Address, cfg.Socket.ProxyCount, cfg.Match.InputQueueSize)
	if want := fmt.Sprint("first", 4000, "c", 7, 5); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestConfigFileFromEnvironment(t *testing.T) {
	t.Parallel()
	path := strings.TrimPrefix(file(t, "a.yml", "name: fromfile\n"), "--config=")
	if cfg := mustLoad(t, nil, []string{"KUMI_CONFIG=" + path}); cfg.Name != "fromfile" {
		t.Errorf("name is %q, want the one of the file in KUMI_CONFIG", cfg.Name)
	}
}

func TestFlagForms(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--socket.port=1234", "--session.single_socket", "--logger.stdout=false"},
		{"-socket.port", "1234", "-session.single_socket=true", "-logger.stdout=0"},
		{"--socket.port", "0x4d2", "--session.single_socket=yes", "--logger.stdout=off"},
	} {
		cfg := mustLoad(t, args, nil)
		if cfg.Socket.Port != 1234 || !cfg.Session.SingleSocket || cfg.Logger.Stdout {
			t.Errorf("%q gave port %d, single_socket %v, stdout %v", args, cfg.Socket.Port, cfg.Session.SingleSocket, cfg.Logger.Stdout)
		}
	}
	if cfg := mustLoad(t, []string{"--party.idle_check_interval_ms", "-1"}, nil); cfg.Party.IdleCheckIntervalMs != -1 {
		t.Errorf("a negative value as its own argument gave %d, want -1", cfg.Party.IdleCheckIntervalMs)
	}
}

func TestListFlagsReplaceThenAppend(t *testing.T) {
	t.Parallel()
	yml := file(t, "a.yml", "leaderboard:\n  blacklist_rank_cache: [x, y]\n")
	cfg := mustLoad(t, []string{yml, "--leaderboard.blacklist_rank_cache", "a", "--leaderboard.blacklist_rank_cache=b"}, nil)
	if want := []string{"a", "b"}; !slices.Equal(cfg.Leaderboard.BlacklistRankCache, want) {
		t.Errorf("got %v, want %v", cfg.Leaderboard.BlacklistRankCache, want)
	}
	cfg = mustLoad(t, []string{yml}, []string{"KUMI_LEADERBOARD_BLACKLIST_RANK_CACHE=c, d"})
	if want := []string{"c", "d"}; !slices.Equal(cfg.Leaderboard.BlacklistRankCache, want) {
		t.Errorf("from a variable: got %v, want %v", cfg.Leaderboard.BlacklistRankCache, want)
	}
}

func TestRuntimeEnvMergesByKey(t *testing.T) {
	t.Parallel()
	first := file(t, "a.yml", "runtime:\n  env: [\"B=1\", \"A=x=y\"]\n")
	second := file(t, "b.yml", "runtime:\n  env:\n    - B=2\n    - C=3\n")
	cfg := mustLoad(t, []string{first, second, "--runtime.env", "C=4", "--runtime.env=D="}, nil)
	if want := []string{"A=x=y", "B=2", "C=4", "D="}; !slices.Equal(cfg.GetRuntime().GetEnv(), want) {
		t.Errorf("got %v, want %v", cfg.GetRuntime().GetEnv(), want)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"--help", "-h", "-help"} {
		if _, _, err := Load([]string{"--name=x", arg}, nil); !errors.Is(err, ErrHelp) {
			t.Errorf("%s gave %v, want ErrHelp", arg, err)
		}
	}
}

func TestUsageListsEverySetting(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	Default().Usage(&b)
	for _, e := range Default().Entries() {
		if !strings.Contains(b.String(), "  --"+e.Path) {
			t.Errorf("usage does not list --%s", e.Path)
		}
		if e.Usage == "" {
			t.Errorf("%s has no description", e.Path)
		}
	}
	if !strings.Contains(b.String(), "(default 7350)") {
		t.Error("usage does not show defaults")
	}
}

func TestVariableNamesAreDistinct(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, e := range Default().Entries() {
		if other, ok := seen[envName(e.Path)]; ok {
			t.Errorf("%s and %s share the variable %s", e.Path, other, envName(e.Path))
		}
		seen[envName(e.Path)] = e.Path
	}
}

func TestLimitsNameExistingKeys(t *testing.T) {
	t.Parallel()
	tree := newTree(Default())
	for path := range minValues {
		if l, ok := tree.byPath[path]; !ok || !l.field.CanInt() {
			t.Errorf("limits has %s, which is no numeric setting", path)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	cfg := Default()
	secrets := 0
	for _, l := range newTree(cfg).leaves {
		switch l.field.Type() {
		case reflect.TypeFor[Secret]():
			l.field.SetString(secret)
			secrets++
		case reflect.TypeFor[EnvList]():
			l.field.Set(reflect.ValueOf(EnvList{"TOKEN=" + secret}))
		case reflect.TypeFor[AddressList]():
			l.field.Set(reflect.ValueOf(AddressList{
				"user:" + secret + "@db:5432/x", "postgres://u:a@" + secret + "@db/x?password=" + secret, "::bad:" + secret + "@",
			}))
		}
	}
	if secrets < 15 {
		t.Fatalf("only %d settings are secret", secrets)
	}
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	outputs := []string{cfg.String(), string(asJSON), fmt.Sprint(cfg.Entries())}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		outputs = append(outputs, fmt.Sprintf(verb, cfg), fmt.Sprintf(verb, *cfg), fmt.Sprintf(verb, cfg.Session), fmt.Sprintf(verb, cfg.Session.EncryptionKey))
	}
	for _, out := range outputs {
		if strings.Contains(out, secret) || strings.Contains(out, fmt.Sprintf("%x", secret)) {
			t.Errorf("a secret is printed in %.400s", out)
		}
	}
	if got := redactAddress("user:pw@db:5432/x"); got != "user:<redacted>@db:5432/x" {
		t.Errorf("address is shown as %q", got)
	}
	if string(cfg.Session.EncryptionKey) != secret || cfg.GetSession().GetEncryptionKey() != secret {
		t.Error("the secret itself is lost")
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	_, warnings, err := Load([]string{"--runtime.max_count=7", "--runtime.read_only_globals=false", "--iap.apple.shared_password=x", "--iap.development.stores_url=http://here"}, []string{"KUMI_SOCKET_PROT=1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"default keys in place", "socket.server_key", "runtime.http_key",
		"runtime.max_count is deprecated", "runtime.read_only_globals is deprecated", "did you mean KUMI_SOCKET_PORT?",
		"FOR DEVELOPMENT ONLY: iap.development replaces the stores", "iap.apple.bundle_ids is empty",
	} {
		if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("no warning %q in %q", want, warnings)
		}
	}
	keys := []string{
		"--socket.server_key=c", "--session.encryption_key=d", "--session.refresh_encryption_key=e", "--runtime.http_key=f",
	}
	if _, warnings, err = Load(keys, nil); err != nil || len(warnings) != 0 {
		t.Errorf("with all keys changed got warnings %q, error %v", warnings, err)
	}
	_, warnings, err = Load(append(keys, "--console.mfa.admin_account_enabled=true", "--match.call_queue_size=7"), nil)
	want := []string{
		"no effect, because joins and leaves are never refused: match.call_queue_size",
		"no effect, because the key of that name in the section mfa is what counts: console.mfa.admin_account_enabled",
	}
	if err != nil || !slices.Equal(warnings, want) {
		t.Errorf("with settings without effect got warnings %q, error %v, want %q", warnings, err, want)
	}
}

func TestDeprecatedCountsOverrideLua(t *testing.T) {
	t.Parallel()
	cfg := mustLoad(t, []string{"--runtime.min_count=2", "--runtime.max_count=7", "--runtime.call_stack_size=9", "--runtime.registry_size=200", "--runtime.read_only_globals=false"}, nil)
	r := cfg.Runtime
	if r.LuaMinCount != 2 || r.LuaMaxCount != 7 || r.LuaCallStackSize != 9 || r.LuaRegistrySize != 200 || r.LuaReadOnlyGlobals || !r.JSReadOnlyGlobals {
		t.Errorf("got %+v", r)
	}
}

func TestLoweredMaximumLowersDefaultMinimum(t *testing.T) {
	t.Parallel()
	cfg := mustLoad(t, []string{"--runtime.js_max_count=2", "--runtime.lua_max_count=3"}, nil)
	if cfg.Runtime.JSMinCount != 2 || cfg.Runtime.LuaMinCount != 3 {
		t.Errorf("minimum counts are %d and %d, want 2 and 3", cfg.Runtime.JSMinCount, cfg.Runtime.LuaMinCount)
	}
}
