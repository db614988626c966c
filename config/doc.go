// Package config owns the server's settings: one struct with every key, its
// default, its meaning and its rules. Names and defaults are those of Nakama,
// so an existing YAML file or command line keeps working.
//
// Settings come from four places, each overriding the one before: the
// defaults in the code, YAML files (--config, in the order given), environment
// variables (KUMI_ and the key in upper case with "_" for "."), and flags. A
// key that does not exist is an error that names the nearest one that does.
//
// Load is called once, from the goroutine that starts the process. The
// resulting Config is not changed afterwards and may be read from anywhere.
// Only the server and its commands import this package; lower rooms take the
// runtime.Config interface or their own options.
package config
