package config

import (
	"encoding/json"
	"errors"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var consoleUsername = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._].*[a-zA-Z0-9]$`)

// scriptEndings are the file types the JavaScript engine can load.
var scriptEndings = []string{".js", ".ts", ".mjs", ".mts"}

// Validate derives settings from others, checks all rules and returns the
// warnings. The error is a *Problems with every violated rule.
func (c *Config) Validate() ([]string, error) {
	v := &validator{cfg: c, problems: &Problems{}}
	warnings := c.applyDeprecated()
	c.derive()

	v.top()
	v.logger()
	v.limits()
	v.session()
	v.socket()
	v.database()
	v.runtime()
	v.console()
	v.services()
	v.fleet()
	v.cluster()
	return append(warnings, c.warnings()...), v.problems.errorOrNil()
}

// derive sets the settings that depend on others.
func (c *Config) derive() {
	c.Logger.Level = strings.ToLower(c.Logger.Level)
	r := &c.Runtime
	if r.Path == "" {
		r.Path = filepath.Join(c.DataDir, "modules")
	}
	// A maximum below the default minimum lowers the minimum, unless that was set
	// explicitly.
	if c.origin["runtime.js_min_count"] == "" {
		r.JSMinCount = min(r.JSMinCount, max(r.JSMaxCount, 0))
	}
	if c.origin["runtime.lua_min_count"] == "" && r.MinCount == 0 {
		r.LuaMinCount = min(r.LuaMinCount, max(r.LuaMaxCount, 0))
	}
}

// ValidateDatabase checks only the database section, for commands that need
// nothing else.
func (c *Config) ValidateDatabase() error {
	v := &validator{cfg: c, problems: &Problems{}}
	v.database()
	return v.problems.errorOrNil()
}

type validator struct {
	cfg      *Config
	problems *Problems
}

// fail reports that the key at path violates a rule, with the source that set
// it.
func (v *validator) fail(path, rule string) {
	if origin := v.cfg.origin[path]; origin != "" {
		v.problems.addf("%s %s (set by %s)", path, rule, origin)
		return
	}
	v.problems.addf("%s %s", path, rule)
}

func (v *validator) required(path string, value Secret) {
	if value == "" {
		v.fail(path, "must not be empty")
	}
}

func (v *validator) oneOf(path, value string, choices ...string) {
	if !slices.Contains(choices, value) {
		last := len(choices) - 1
		v.fail(path, "must be "+strings.Join(choices[:last], ", ")+" or "+choices[last])
	}
}

func (v *validator) port(path string, value int) {
	if value < 0 || value > 65535 {
		v.fail(path, "must be between 0 and 65535")
	}
}

func (v *validator) top() {
	c := v.cfg
	if len(c.Name) < 1 || len(c.Name) > 16 {
		v.fail("name", "must be 1 to 16 characters long")
	}
	if c.ShutdownGraceSec < 0 {
		v.fail("shutdown_grace_sec", "must be 0 or more")
	}
	if c.DataDir == "" {
		v.fail("data_dir", "must not be empty")
	}
}

func (v *validator) logger() {
	l := v.cfg.Logger
	v.oneOf("logger.level", l.Level, "debug", "info", "warn", "error")
	v.oneOf("logger.format", l.Format, "auto", "text", "json", "stackdriver", "")
	if l.Rotation && l.File == "" {
		v.fail("logger.rotation", "needs logger.file")
	}
}

func (v *validator) session() {
	s := v.cfg.Session
	v.required("session.encryption_key", s.EncryptionKey)
	v.required("session.refresh_encryption_key", s.RefreshEncryptionKey)
	if s.EncryptionKey == s.RefreshEncryptionKey && s.EncryptionKey != "" {
		v.fail("session.refresh_encryption_key", "must differ from session.encryption_key")
	}
	if s.ResumeSec < 0 || s.ResumeSec > 3600 {
		v.fail("session.resume_sec", "must be 0 to 3600")
	}
	if s.SingleMatch && !s.SingleSocket {
		v.fail("session.single_match", "needs session.single_socket")
	}
	if s.SingleParty && !s.SingleSocket {
		v.fail("session.single_party", "needs session.single_socket")
	}
}

func (v *validator) socket() {
	s := v.cfg.Socket
	v.required("socket.server_key", s.ServerKey)
	v.port("socket.port", s.Port)
	if s.Port == 1 {
		v.fail("socket.port", "must not be 1: gRPC listens on the port below it")
	}
	v.port("metrics.prometheus_port", v.cfg.Metrics.PrometheusPort)
	if p := v.cfg.Metrics.PrometheusPort; p != 0 && s.Port != 0 && (p == s.Port || p == s.Port-1) {
		v.fail("metrics.prometheus_port", "must differ from socket.port and from the gRPC port below it")
	}
	v.oneOf("socket.protocol", s.Protocol, "tcp", "tcp4", "tcp6")
	if s.PongWaitMs <= s.PingPeriodMs {
		v.fail("socket.pong_wait_ms", "must be greater than socket.ping_period_ms")
	}
	if (s.SSLCertificate == "") != (s.SSLPrivateKey == "") {
		v.fail("socket.ssl_certificate", "and socket.ssl_private_key must be given together")
	}
	for _, header := range s.ResponseHeaders {
		if key, _, ok := strings.Cut(header, "="); !ok || strings.TrimSpace(key) == "" {
			v.fail("socket.response_headers", "must be a list of key=value")
			break
		}
	}
}

func (v *validator) database() {
	d := v.cfg.Database
	if d.TransactionTimeoutMs < 1 {
		v.fail("database.transaction_timeout_ms", "must be 1 or more")
	}
	if d.DNSScanIntervalSec < 1 {
		v.fail("database.dns_scan_interval_sec", "must be 1 or more")
	}
	for _, address := range d.Address {
		if !strings.Contains(address, "://") {
			address = "postgres://" + address
		}
		if _, err := url.Parse(address); err != nil {
			// url.Error quotes the address with its password; its cause names only the
			// part that is wrong.
			var cause *url.Error
			rule := "must be of the form user:password@host:port/name"
			if errors.As(err, &cause) && !strings.Contains(cause.Err.Error(), "port") {
				rule += ": " + cause.Err.Error()
			}
			v.fail("database.address", rule)
		}
	}
}

func (v *validator) runtime() {
	r := v.cfg.Runtime
	v.required("runtime.http_key", r.HTTPKey)
	v.oneOf("match.on_error", v.cfg.Match.OnError, "disconnect", "leave")
	if _, _, ok := MatchSnapshots(v.cfg.Match.Snapshot); !ok {
		v.fail("match.snapshot", `must be "off", "shutdown" or a number of ticks`)
	}
	v.oneOf("match.record", v.cfg.Match.Record, "off", "error", "always")
	v.oneOf("runtime.match_reload", r.MatchReload, "pin", "swap")
	if r.JSMinCount > r.JSMaxCount {
		v.fail("runtime.js_min_count", "must not be greater than runtime.js_max_count")
	}
	if r.LuaMinCount > r.LuaMaxCount {
		v.fail("runtime.lua_min_count", "must not be greater than runtime.lua_max_count")
	}
	if r.JSEntrypoint == "" {
		return
	}
	if !slices.Contains(scriptEndings, filepath.Ext(r.JSEntrypoint)) {
		v.fail("runtime.js_entrypoint", "must end in "+strings.Join(scriptEndings, ", "))
	}
}

func (v *validator) console() {
	c := v.cfg.Console
	v.port("console.port", c.Port)
	if c.Port > 0 && c.GRPCPort() < 1 {
		v.fail("console.port", "must be 0 or at least 4: gRPC is served on the port 3 below")
	}
	if !consoleUsername.MatchString(c.Username) {
		v.fail("console.username", "must be at least 3 characters long, begin and end with a letter or digit, "+
			"and have a letter, digit, dot or underscore in second place")
	}
	v.required("console.password", c.Password)
	v.required("console.signing_key", c.SigningKey)
	if n := len(v.cfg.MFA.StorageEncryptionKey); n != 0 && n != 32 {
		v.fail("mfa.storage_encryption_key", "must be exactly 32 bytes long or empty")
	}
}

func (v *validator) services() {
	if text := v.cfg.GoogleAuth.CredentialsJSON; text != "" {
		// The parse error would quote the secret.
		if !json.Valid([]byte(text)) {
			v.fail("google_auth.credentials_json", "must be valid JSON")
		}
	}
	s := v.cfg.Satori
	v.oneOf("satori.cache_mode", s.CacheMode, "context", "time")
	keys := []struct {
		path  string
		value Secret
	}{
		{"satori.api_key_name", Secret(s.APIKeyName)},
		{"satori.api_key", s.APIKey},
		{"satori.signing_key", s.SigningKey},
	}
	for _, key := range keys {
		if s.URL != "" && key.value == "" {
			v.fail(key.path, "must not be empty when satori.url is set")
		}
	}
	for _, key := range keys {
		if s.URL == "" && key.value != "" {
			v.fail("satori.url", "must not be empty when other satori settings are given")
			return
		}
	}
	if s.URL != "" {
		if u, err := url.Parse(s.URL); err != nil || u.Scheme == "" || u.Host == "" {
			v.fail("satori.url", "must be an absolute URL")
		}
	}
}

func (v *validator) fleet() {
	f := v.cfg.Fleet
	v.oneOf("fleet.ready", f.Ready, "line", "port", "start")
	if f.Ready == "line" && f.ReadyText == "" {
		v.fail("fleet.ready_text", "must not be empty when fleet.ready is line")
	}
	v.port("fleet.port_max", f.PortMax)
	if f.PortMin > f.PortMax {
		v.fail("fleet.port_min", "must not be greater than fleet.port_max")
	}
	if f.Address == "" {
		v.fail("fleet.address", "must not be empty")
	}
	for _, e := range f.Env {
		if key, _, ok := strings.Cut(e, "="); !ok || key == "" {
			v.fail("fleet.env", "must be KEY=VALUE, not "+strconv.Quote(e))
		}
	}
}
