// Package config holds the server's settings: one struct with every key, its
// default, description and rules. Names and defaults are Nakama's, so existing
// YAML files and command lines keep working.
//
// Settings come from four sources, each overriding the one before: the
// defaults in the code, YAML files (--config, in the order given), environment
// variables (KUMI_ and the key in upper case with "_" for "."), and flags. An
// unknown key is an error that suggests the nearest known one.
//
// Load is called once, from the goroutine that starts the process. The
// resulting Config is immutable and may be read from any goroutine. Only the
// server and its commands import this package; lower packages take the
// runtime.Config interface or their own options.
package config
