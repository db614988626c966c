package config

import (
	"fmt"
	"strings"
)

// applyDeprecated copies values of deprecated keys to the keys that replaced
// them, and returns a warning for each.
func (c *Config) applyDeprecated() []string {
	var warnings []string
	r := &c.Runtime
	for _, d := range c.deprecated() {
		if d.from != 0 {
			*d.to = d.from
			warnings = append(warnings, fmt.Sprintf("%s is deprecated, use %s", d.old, d.name))
		}
	}
	if !r.ReadOnlyGlobals {
		r.LuaReadOnlyGlobals = false
		warnings = append(warnings, "runtime.read_only_globals is deprecated, use runtime.lua_read_only_globals")
	}
	return warnings
}

// deprecatedKey is a key whose value goes to another one.
type deprecatedKey struct {
	old  string
	from int
	name string
	to   *int
}

func (c *Config) deprecated() []deprecatedKey {
	r := &c.Runtime
	return []deprecatedKey{
		{"runtime.min_count", r.MinCount, "runtime.lua_min_count", &r.LuaMinCount},
		{"runtime.max_count", r.MaxCount, "runtime.lua_max_count", &r.LuaMaxCount},
		{"runtime.call_stack_size", r.CallStackSize, "runtime.lua_call_stack_size", &r.LuaCallStackSize},
		{"runtime.registry_size", r.RegistrySize, "runtime.lua_registry_size", &r.LuaRegistrySize},
	}
}

// secretKey is a secret with a default that everybody knows.
type secretKey struct{ path, value, insecure string }

// defaultSecrets returns the keys of secrets with which anyone could act for others, as
// they have their default.
func (c *Config) defaultSecrets() []string {
	return unchanged([]secretKey{
		{"socket.server_key", string(c.Socket.ServerKey), defaultServerKey},
		{"session.encryption_key", string(c.Session.EncryptionKey), defaultEncryptionKey},
		{"session.refresh_encryption_key", string(c.Session.RefreshEncryptionKey), defaultRefreshEncryptionKey},
		{"runtime.http_key", string(c.Runtime.HTTPKey), defaultHTTPKey},
	})
}

// consoleSecrets returns those of the console. With the defaults it is still safe: the
// password works locally only, and the key is replaced.
func (c *Config) consoleSecrets() []string {
	return unchanged([]secretKey{
		{"console.username", c.Console.Username, defaultConsoleUsername},
		{"console.password", string(c.Console.Password), defaultConsolePassword},
		{"console.signing_key", string(c.Console.SigningKey), defaultConsoleSigningKey},
		{"mfa.storage_encryption_key", string(c.MFA.StorageEncryptionKey), defaultMFAKey},
	})
}

func unchanged(all []secretKey) (paths []string) {
	for _, s := range all {
		if s.value == s.insecure {
			paths = append(paths, s.path)
		}
	}
	return paths
}

// DefaultPassword reports whether the console's password is the documented one, and
// DefaultSigningKey whether its key is.
func (c *Console) DefaultPassword() bool   { return c.Password == defaultConsolePassword }
func (c *Console) DefaultSigningKey() bool { return c.SigningKey == defaultConsoleSigningKey }

// warnings lists settings that work but should be changed, and those that are
// set and do nothing.
func (c *Config) warnings() []string {
	var warnings []string
	if secrets := c.defaultSecrets(); len(secrets) > 0 {
		warnings = append(warnings, "default keys in place, change them before others can reach the server: "+strings.Join(secrets, ", "))
	}
	return append(warnings, c.otherWarnings()...)
}

// otherWarnings are the warnings that are not about secrets.
func (c *Config) otherWarnings() []string {
	var warnings []string
	if c.Socket.SSLCertificate != "" {
		warnings = append(warnings, "socket.ssl_certificate: in production a proxy that terminates TLS is preferable")
	}
	if len(c.Database.Address) > 1 {
		warnings = append(warnings, "database.address has several entries: only the first is used")
	}
	if apple := c.IAP.Apple; (apple.SharedPassword != "" || apple.NotificationsEndpointID != "") && len(apple.BundleIDs) == 0 {
		warnings = append(warnings, "iap.apple.bundle_ids is empty: purchases in any other app are accepted too")
	}
	if dev := c.IAP.Development; dev.StoresURL != "" || dev.RootCertificate != "" {
		warnings = append(warnings, "FOR DEVELOPMENT ONLY: iap.development replaces the stores, so purchases are confirmed that nobody has paid for")
	}
	return append(warnings, c.ineffective()...)
}
