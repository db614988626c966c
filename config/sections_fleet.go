package config

// Fleet configures the game servers that run on this machine; see docs/fleet.md.
type Fleet struct {
	Command         string   `yaml:"command" usage:"Program of a game server, to start one per session on this machine. Empty turns this fleet manager off."`
	Args            []string `yaml:"args" usage:"Argument of the program; repeat for several. {id}, {port} and {max_players} are replaced."`
	Env             []string `yaml:"env" usage:"Variable KEY=VALUE for the program's environment; repeat for several."`
	Dir             string   `yaml:"dir" usage:"Working directory of the program. Empty means that of the server."`
	Address         string   `yaml:"address" usage:"IP address or host name of this machine that players connect to."`
	PortMin         int      `yaml:"port_min" usage:"First of the ports that game servers get, one each."`
	PortMax         int      `yaml:"port_max" usage:"Last of these ports."`
	MaxInstances    int      `yaml:"max_instances" usage:"Maximum number of game servers that run at the same time."`
	Ready           string   `yaml:"ready" usage:"When a game server is ready for players: line (it prints a line with fleet.ready_text), port (it accepts TCP connections on its port) or start (its process runs)."`
	ReadyText       string   `yaml:"ready_text" usage:"Text of the line that says that a game server is ready."`
	StartTimeoutSec int      `yaml:"start_timeout_sec" usage:"Seconds until a game server must be ready."`
	StopGraceSec    int      `yaml:"stop_grace_sec" usage:"Seconds that a game server gets to end before it is killed."`
	IdleTimeoutSec  int      `yaml:"idle_timeout_sec" usage:"Seconds without players after which a game server is stopped, for games that report their players. 0 means never."`
	MaxLifetimeSec  int      `yaml:"max_lifetime_sec" usage:"Seconds after which a game server is stopped. 0 means never."`
	MaxMemoryMB     int      `yaml:"max_memory_mb" usage:"Resident memory in megabytes above which a game server is stopped. 0 means no limit. Only on Linux."`
	LogLinesPerSec  int      `yaml:"log_lines_per_sec" usage:"Lines that are logged of what one game server prints, per second. 0 logs nothing."`
}
