package config

import (
	"slices"
	"strings"
	"testing"
)

func TestYAMLProblemsNameThePlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"misspelt key", "socket:\n  prot: 1\n", ":2:3: unknown key socket.prot: did you mean socket.port?"},
		{"swapped letters", "session:\n  token_epxiry_sec: 1\n", "did you mean session.token_expiry_sec?"},
		{"misspelt section", "sockte:\n  port: 1\n", ":1:1: unknown key sockte: did you mean socket?"},
		{"key without its section", "server_key: x\n", ":1:1: unknown key server_key: did you mean socket.server_key?"},
		{"key in the wrong section", "match:\n  max_tickets: 4\n", "did you mean matchmaker.max_tickets?"},
		{"nothing like it", "zebra: 1\n", ":1:1: unknown key zebra"},
		{"not a number", "socket:\n  port: abc\n", `:2:9: socket.port: "abc" is not an integer`},
		{"fraction", "socket:\n  port: 1.5\n", `socket.port: "1.5" is not an integer`},
		{"not a boolean", "session:\n  single_socket: maybe\n", `"maybe" is not true or false`},
		{"list for a scalar", "socket:\n  port: [1]\n", "socket.port must be an integer"},
		{"mapping for a scalar", "socket:\n  port: {a: 1}\n", "socket.port must be an integer"},
		{"scalar for a list", "runtime:\n  env: A=1\n", "runtime.env must be a list"},
		{"mapping in a list", "runtime:\n  env:\n    - A: 1\n", "each entry of the list must be a single value"},
		{"scalar for a section", "socket: 1\n", ":1:9: socket must be a mapping"},
		{"list for the file", "- 1\n", "the file must be a mapping"},
		{"syntax", "socket:\n  port: [1\n", ".yml:"},
		{"twice", "name: a\nname: b\n", ":2:1:"},
		{"unknown alias", "name: *nobody\n", "alias *nobody"},
		{"alias of itself", "x-a: &a *a\nname: *a\n", ":1:9: "},
		{"merge of itself", "socket: &s\n  <<: *s\n  port: 1\n", "merged into themselves"},
	} {
		got := problems(t, []string{file(t, "a.yml", c.text)}, nil)
		if !slices.ContainsFunc(got, func(p string) bool { return strings.Contains(p, c.want) }) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got := problems(t, []string{"--config=/nonexistent.yml"}, nil); !strings.Contains(got[0], "/nonexistent.yml") {
		t.Errorf("a missing file gave %q", got)
	}
}

func TestYAMLForms(t *testing.T) {
	t.Parallel()
	cfg := mustLoad(t, []string{file(t, "a.yml", `
---
x-limits: &limits
  max_message_size_bytes: 100
  proxy_count: 3
name: "007"
data_dir: |
  a
socket:
  <<: *limits
  proxy_count: 4
  server_key: 0123
  port: "8000"
  address:
session:
  single_socket: yes
console.port: 9000
iap: {apple: {shared_password: !!str 12}}
cluster: {gossip_bindport: 1}
`)}, nil)
	got := []any{cfg.Name, cfg.DataDir, cfg.Socket.MaxMessageSizeBytes, cfg.Socket.ProxyCount, string(cfg.Socket.ServerKey),
		cfg.Socket.Port, cfg.Socket.Address, cfg.Session.SingleSocket, cfg.Console.Port, string(cfg.IAP.Apple.SharedPassword)}
	want := []any{"007", "a\n", 100, 4, "0123", 8000, "", true, 9000, "12"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	mustLoad(t, []string{file(t, "empty.yml", "# nothing\n")}, nil)
	mustLoad(t, []string{file(t, "null.yml", "social:\nname:\n")}, nil)
}

func TestRetiredKeysWarn(t *testing.T) {
	t.Parallel()
	_, warnings, err := Load([]string{file(t, "a.yml", "cluster:\n  gossip_bindaddr: 1\nmetrics:\n  stackdriver_projectid: x\nconfig: [a]\n")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{":2:3: cluster.gossip_bindaddr is ignored", ":4:3: metrics.stackdriver_projectid is ignored", ":5:1: config is ignored"} {
		if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("no warning %q in %q", want, warnings)
		}
	}
}

func TestUnknownFlagsSuggest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ arg, want string }{
		{"--socket.prot=1", "did you mean --socket.port?"},
		{"--Socket.Port=1", "did you mean --socket.port?"},
		{"--socket.server-key=1", "did you mean --socket.server_key?"},
		{"--runtime.jsmin_count=1", "did you mean --runtime.js_min_count?"},
		{"--port=1", "did you mean --socket.port?"},
		{"--socket", "it is a group of settings"},
		{"--zebra", "unknown flag --zebra: see --help"},
	} {
		got := problems(t, []string{c.arg}, nil)
		if len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s gave %q, want %q", c.arg, got, c.want)
		}
	}
	if got := problems(t, []string{"--socket.port"}, nil); !strings.Contains(got[0], "needs a value") {
		t.Errorf("a flag without its value gave %q", got)
	}
	if got := problems(t, []string{"--session.single_socket", "false"}, nil); !strings.Contains(got[0], `unexpected argument "false": --session.single_socket is on or off, and its value comes after an equals sign: --session.single_socket=false`) {
		t.Errorf("a value after a boolean flag gave %q", got)
	}
	if got := problems(t, []string{"loose"}, nil); !strings.Contains(got[0], `unexpected argument "loose": settings are given as --name value or --name=value`) {
		t.Errorf("a loose value gave %q", got)
	}
}

func FuzzYAML(f *testing.F) {
	f.Add("socket:\n  port: 1\n")
	f.Add("runtime:\n  env: [A=1, {b: c}]\n")
	f.Add("x-a: &a\n  port: 1\nsocket:\n  <<: [*a, *a]\n")
	f.Add("a: &a [*a]\nname: *a\n")
	f.Add("? {a: b}\n: c\n")
	f.Add("!!binary name: x\n---\n- 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		cfg := Default()
		l := newLoader(cfg)
		l.readYAML("f.yml", []byte(text))
		if _, err := cfg.Validate(); err != nil && !strings.HasPrefix(err.Error(), "bad configuration") {
			t.Errorf("unexpected error %v", err)
		}
		for _, p := range l.problems.List {
			if !strings.HasPrefix(p, "f.yml") {
				t.Errorf("problem does not name the file: %q", p)
			}
		}
	})
}

func FuzzFlags(f *testing.F) {
	f.Add("--socket.port=1", "--runtime.env", "A=1")
	f.Add("--", "-", "=")
	f.Add("--logger.stdout", "--config", "x")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		cfg := Default()
		l := newLoader(cfg)
		flags, help := l.scanFlags([]string{a, b, c})
		if help {
			return
		}
		for _, flag := range flags {
			l.assignFlag(flag)
		}
		if len(flags) == 0 && len(l.problems.List) == 0 {
			t.Errorf("%q %q %q set nothing and reported nothing", a, b, c)
		}
		_, _ = cfg.Validate()
	})
}
