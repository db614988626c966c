package config

import (
	"flag"
	"fmt"
	"strings"
	"time"
)

// ErrHelp is returned by Load and Parse if the arguments ask for help. The
// caller prints Usage and exits successfully.
var ErrHelp = flag.ErrHelp

// Config holds every setting. Sections are nested structs whose fields are
// named after the last part of the key: session.token_expiry_sec is
// Session.TokenExpirySec. Durations and sizes are plain integers in the unit
// that the name says. It implements runtime.Config for modules.
type Config struct {
	Name             string   `yaml:"name" usage:"Name of this node, 1 to 16 characters. It becomes part of match and party ids."`
	Files            []string `yaml:"config" usage:"YAML file to read; repeat for several, later ones override earlier ones."`
	ShutdownGraceSec int      `yaml:"shutdown_grace_sec" usage:"Seconds matches and modules get to finish when the server stops. 0 stops at once."`
	DataDir          string   `yaml:"data_dir" usage:"Folder for everything the server writes: embedded database, modules, logs."`
	Limit            int      `yaml:"limit" usage:"Number of migrations for the migrate command. -1 means all when migrating up, one when migrating down."`

	Logger      Logger      `yaml:"logger" usage:"Log level, format and files"`
	Metrics     Metrics     `yaml:"metrics" usage:"Prometheus metrics"`
	Session     Session     `yaml:"session" usage:"Session tokens and their limits"`
	Socket      Socket      `yaml:"socket" usage:"Client listeners: HTTP, WebSocket and gRPC"`
	Database    Database    `yaml:"database" usage:"Where data is kept"`
	Runtime     Runtime     `yaml:"runtime" usage:"Modules and the script engines that run them"`
	Match       Match       `yaml:"match" usage:"Authoritative matches"`
	Tracker     Tracker     `yaml:"tracker" usage:"Presence tracking"`
	Party       Party       `yaml:"party" usage:"Parties"`
	Matchmaker  Matchmaker  `yaml:"matchmaker" usage:"Matchmaker"`
	Leaderboard Leaderboard `yaml:"leaderboard" usage:"Leaderboards and tournaments"`
	Storage     Storage     `yaml:"storage" usage:"Storage engine"`
	Console     Console     `yaml:"console" usage:"Developer console"`
	MFA         MFA         `yaml:"mfa" usage:"Second factor of console logins"`
	Social      Social      `yaml:"social" usage:"Social sign-in providers"`
	GoogleAuth  GoogleAuth  `yaml:"google_auth" usage:"Google sign-in"`
	IAP         IAP         `yaml:"iap" usage:"In-app purchase validation"`
	Satori      Satori      `yaml:"satori" usage:"Satori live-operations service"`
	Fleet       Fleet       `yaml:"fleet" usage:"Game servers on this machine"`
	Cluster     Cluster     `yaml:"cluster" usage:"Several servers that are one"`

	// origin is the source that set a key last, for messages. Keys at their default
	// are absent.
	origin map[string]string
}

// Load reads the settings from all sources and validates them. args is the
// command line without program and sub-command, env is a list like os.Environ.
// The warnings are sentences for the operator, returned with an error too. The
// error is ErrHelp, or a *Problems that lists everything wrong.
func Load(args []string, env []string) (*Config, []string, error) {
	cfg, warnings, err := Parse(args, env)
	if err != nil {
		return nil, warnings, err
	}
	more, err := cfg.Validate()
	warnings = append(warnings, more...)
	if err != nil {
		return nil, warnings, err
	}
	return cfg, warnings, nil
}

// Parse is Load without validation, for commands that need only some of the
// settings; they call ValidateDatabase or Validate themselves.
func Parse(args []string, env []string) (*Config, []string, error) {
	cfg := Default()
	l := newLoader(cfg)

	flags, help := l.scanFlags(args)
	if help {
		return nil, nil, ErrHelp
	}
	vars := l.scanEnv(env)

	for _, path := range configFiles(flags, vars) {
		l.readFile(path)
	}
	for _, v := range vars {
		l.assignVar(v)
	}
	for _, f := range flags {
		l.assignFlag(f)
	}
	if err := l.problems.errorOrNil(); err != nil {
		return nil, l.warnings, err
	}
	return cfg, l.warnings, nil
}

// Problems is the error of Load: everything that is wrong, each with its file
// and line, variable or flag.
type Problems struct {
	List []string
}

// Error joins the problems, one per line.
func (p *Problems) Error() string {
	if len(p.List) == 1 {
		return "bad configuration: " + p.List[0]
	}
	return fmt.Sprintf("bad configuration, %d problems:\n  %s", len(p.List), strings.Join(p.List, "\n  "))
}

func (p *Problems) addf(format string, args ...any) {
	p.List = append(p.List, fmt.Sprintf(format, args...))
}

func (p *Problems) errorOrNil() error {
	if len(p.List) == 0 {
		return nil
	}
	return p
}

// Milliseconds converts a setting in milliseconds to a duration.
func Milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }
