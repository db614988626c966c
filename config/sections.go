package config

// Logger says what is logged, how and where to.
type Logger struct {
	Level      string `yaml:"level" usage:"Minimum level that is logged: debug, info, warn or error."`
	Stdout     bool   `yaml:"stdout" usage:"Log to standard output as well when a file is set."`
	File       string `yaml:"file" usage:"File to append the log to. Empty logs to standard output only."`
	Rotation   bool   `yaml:"rotation" usage:"Rotate the log file. Needs logger.file."`
	MaxSize    int    `yaml:"max_size" usage:"Size in megabytes at which the log file is rotated."`
	MaxAge     int    `yaml:"max_age" usage:"Days rotated files are kept. 0 keeps them regardless of age."`
	MaxBackups int    `yaml:"max_backups" usage:"Number of rotated files kept. 0 keeps all."`
	LocalTime  bool   `yaml:"local_time" usage:"Name rotated files by local time instead of UTC."`
	Compress   bool   `yaml:"compress" usage:"Compress rotated files with gzip."`
	Format     string `yaml:"format" usage:"auto (text on a terminal, otherwise json), text, json or stackdriver."`
}

// Metrics says how metrics are named and where they are offered.
type Metrics struct {
	ReportingFreqSec int    `yaml:"reporting_freq_sec" usage:"Seconds between refreshes of sampled metrics."`
	Namespace        string `yaml:"namespace" usage:"Value of the namespace label. Empty adds no label."`
	PrometheusPort   int    `yaml:"prometheus_port" usage:"Port that serves metrics to Prometheus. 0 turns it off."`
	Address          string `yaml:"address" usage:"Address that the metrics port listens on. Empty means all."`
	Prefix           string `yaml:"prefix" usage:"Prefix of metric names. Empty means none."`
	CustomPrefix     string `yaml:"custom_prefix" usage:"Further prefix of metrics that modules make."`
	CustomScopeLimit int    `yaml:"custom_scope_limit" usage:"Maximum number of distinct tag sets of metrics that modules make. 0 means no limit."`
}

// Session holds the keys and lifetimes of session tokens.
type Session struct {
	EncryptionKey         Secret `yaml:"encryption_key" usage:"Key that signs session tokens."`
	TokenExpirySec        int64  `yaml:"token_expiry_sec" usage:"Lifetime of a session token in seconds."`
	RefreshEncryptionKey  Secret `yaml:"refresh_encryption_key" usage:"Key that signs refresh tokens. Must differ from session.encryption_key."`
	RefreshTokenExpirySec int64  `yaml:"refresh_token_expiry_sec" usage:"Lifetime of a refresh token in seconds."`
	SingleSocket          bool   `yaml:"single_socket" usage:"Keep only the newest socket of each user."`
	SingleMatch           bool   `yaml:"single_match" usage:"Keep each user in one match only. Needs session.single_socket."`
	SingleParty           bool   `yaml:"single_party" usage:"Keep each user in one party only. Needs session.single_socket."`
	SingleSession         bool   `yaml:"single_session" usage:"Make a new login invalidate the user's older tokens."`
	ResumeSec             int    `yaml:"resume_sec" usage:"Seconds for which a session whose connection broke keeps its presences and messages for a client that connects again with its token. 0 ends it at once."`
}

// Socket holds the client listeners and their limits.
type Socket struct {
	ServerKey            Secret   `yaml:"server_key" usage:"Key clients present to authenticate."`
	Port                 int      `yaml:"port" usage:"Port for HTTP and WebSocket clients; gRPC listens on the port below. 0 picks free ports."`
	Address              string   `yaml:"address" usage:"Address to listen on. Empty means all interfaces."`
	Protocol             string   `yaml:"protocol" usage:"Network of the HTTP listener: tcp, tcp4 or tcp6."`
	MaxMessageSizeBytes  int      `yaml:"max_message_size_bytes" usage:"Maximum size of a WebSocket message from a client, in bytes."`
	MaxRequestSizeBytes  int      `yaml:"max_request_size_bytes" usage:"Maximum size of an HTTP body or gRPC message, in bytes."`
	ReadBufferSizeBytes  int      `yaml:"read_buffer_size_bytes" usage:"Read buffer of a socket, in bytes."`
	WriteBufferSizeBytes int      `yaml:"write_buffer_size_bytes" usage:"Write buffer of a socket, in bytes."`
	ReadTimeoutMs        int      `yaml:"read_timeout_ms" usage:"Maximum time to read an HTTP request, in milliseconds."`
	WriteTimeoutMs       int      `yaml:"write_timeout_ms" usage:"Maximum time to write an HTTP response, in milliseconds."`
	IdleTimeoutMs        int      `yaml:"idle_timeout_ms" usage:"Time an idle HTTP connection is kept, in milliseconds. Requests end 500 ms earlier."`
	WriteWaitMs          int      `yaml:"write_wait_ms" usage:"Maximum time to write one WebSocket message, in milliseconds."`
	PongWaitMs           int      `yaml:"pong_wait_ms" usage:"Silence after which a socket is closed, in milliseconds. Must exceed socket.ping_period_ms."`
	PingPeriodMs         int      `yaml:"ping_period_ms" usage:"Time between pings to a socket, in milliseconds."`
	PingBackoffThreshold int      `yaml:"ping_backoff_threshold" usage:"Messages received that postpone the next ping."`
	CloseAckWaitMs       int      `yaml:"close_ack_wait_ms" usage:"Time to wait for the peer's close frame, in milliseconds."`
	OutgoingQueueSize    int      `yaml:"outgoing_queue_size" usage:"Messages that may wait for a slow socket before it is closed."`
	Compression          bool     `yaml:"compression" usage:"Compress WebSocket messages of clients that offer it (permessage-deflate). Off by default: it takes memory and CPU time for each message."`
	SSLCertificate       string   `yaml:"ssl_certificate" usage:"File with the TLS certificate. Needs socket.ssl_private_key."`
	SSLPrivateKey        string   `yaml:"ssl_private_key" usage:"File with the TLS private key. Needs socket.ssl_certificate."`
	ResponseHeaders      []string `yaml:"response_headers" usage:"Header set on every HTTP response, as key=value."`
	ProxyCount           int      `yaml:"proxy_count" usage:"Trusted proxies in front of the server, for the client address in X-Forwarded-For."`
}

// Database says where data is kept.
type Database struct {
	Address              AddressList `yaml:"address" usage:"PostgreSQL address, user:password@host:port/name. Empty uses the embedded SQLite database in data_dir."`
	ConnMaxLifetimeMs    int         `yaml:"conn_max_lifetime_ms" usage:"Age at which a database connection is replaced, in milliseconds."`
	MaxOpenConns         int         `yaml:"max_open_conns" usage:"Maximum number of open database connections."`
	MaxIdleConns         int         `yaml:"max_idle_conns" usage:"Maximum number of idle database connections."`
	TransactionTimeoutMs int         `yaml:"transaction_timeout_ms" usage:"Time that a transaction or statement of a module may keep others from writing to the embedded database, in milliseconds; a longer one is rolled back when others wait."`
	DNSScanIntervalSec   int         `yaml:"dns_scan_interval_sec" usage:"Seconds between checks for a changed database address."`
}

// Match holds the queues and timings of authoritative matches.
type Match struct {
	InputQueueSize        int    `yaml:"input_queue_size" usage:"Client messages that may wait for a match's next tick; more are dropped."`
	CallQueueSize         int    `yaml:"call_queue_size" usage:"Ticks, joins and leaves that may wait for a match; more end the match."`
	SignalQueueSize       int    `yaml:"signal_queue_size" usage:"Signals that may wait for a match; more are refused."`
	JoinAttemptQueueSize  int    `yaml:"join_attempt_queue_size" usage:"Join attempts that may wait for a match; more are refused."`
	DeferredQueueSize     int    `yaml:"deferred_queue_size" usage:"Deferred broadcasts a match may make in one tick."`
	JoinMarkerDeadlineMs  int    `yaml:"join_marker_deadline_ms" usage:"Time an accepted player has to arrive, in milliseconds."`
	MaxEmptySec           int    `yaml:"max_empty_sec" usage:"Seconds after which an empty match is stopped. 0 never stops it."`
	OnError               string `yaml:"on_error" usage:"What happens to the players of a match whose handler fails: disconnect (their sockets are closed) or leave (they leave the match, as when it ends by itself)."`
	LabelUpdateIntervalMs int    `yaml:"label_update_interval_ms" usage:"Time between updates of the match listing, in milliseconds."`
	Snapshot              string `yaml:"snapshot" usage:"Which restarts matches survive: off (none), shutdown (planned ones), or a number of ticks, after each of which the state is stored (also crashes)."`
	ResumeSec             int    `yaml:"resume_sec" usage:"Seconds in which players may come back to a match that survived a restart."`
	// Not in the protocol's reference server.
	Record            string `yaml:"record" usage:"Which matches are recorded, for kumi replay: off (those that ask for it), error (the last minutes of those whose handler fails) or always."`
	RecordMaxKB       int    `yaml:"record_max_kb" usage:"Memory for the recording of one match, in kilobytes; what came first is dropped."`
	RecordMaxMemoryMB int    `yaml:"record_max_memory_mb" usage:"Memory for the recordings of all matches, in megabytes."`
	RecordFolder      string `yaml:"record_folder" usage:"Folder of the recordings, in data_dir unless it is absolute."`
	RecordMaxFolderMB int    `yaml:"record_max_folder_mb" usage:"Size of that folder, in megabytes, above which the oldest recordings are removed. 0 removes none."`
}

// Tracker holds the limits of presence tracking.
type Tracker struct {
	EventQueueSize int `yaml:"event_queue_size" usage:"Presence events that may wait to be sent."`
}

// Party holds the timings of parties.
type Party struct {
	LabelUpdateIntervalMs int `yaml:"label_update_interval_ms" usage:"Time between updates of the party listing, in milliseconds."`
	IdleCheckIntervalMs   int `yaml:"idle_check_interval_ms" usage:"Time between checks for idle parties, in milliseconds. 0 or less turns them off."`
}

// Matchmaker holds the limits and timings of the matchmaker.
type Matchmaker struct {
	MaxTickets   int  `yaml:"max_tickets" usage:"Maximum number of tickets of a session or a party."`
	IntervalSec  int  `yaml:"interval_sec" usage:"Seconds between matchmaker passes."`
	MaxIntervals int  `yaml:"max_intervals" usage:"Passes in which a ticket searches actively."`
	RevPrecision bool `yaml:"rev_precision" usage:"Require the queries of two tickets to match each other both ways."`
	RevThreshold int  `yaml:"rev_threshold" usage:"Intervals a pass may take before it stops checking both ways. 0 means never."`
	// Not in the protocol's reference server.
	TicketTimeoutSec int `yaml:"ticket_timeout_sec" usage:"Seconds after which a ticket that has not matched is removed. 0 keeps it."`
}

// Leaderboard holds the rank cache and the callback queue.
type Leaderboard struct {
	BlacklistRankCache   []string `yaml:"blacklist_rank_cache" usage:"Id of a leaderboard whose ranks are not shown; * means all. Repeat for several."`
	CallbackQueueSize    int      `yaml:"callback_queue_size" usage:"Reset and end callbacks that may wait."`
	CallbackQueueWorkers int      `yaml:"callback_queue_workers" usage:"Callbacks that run at the same time."`
	RankCacheWorkers     int      `yaml:"rank_cache_workers" usage:"Leaderboards read at the same time when the server starts."`
}

// Storage holds the settings of storage indexes.
type Storage struct {
	DisableIndexOnly bool `yaml:"disable_index_only" usage:"Treat index-only storage indexes as ordinary ones."`
}

// GRPCPort is the port of the gRPC listener: the one below Port, or 0 (any
// free one) when Port is 0.
func (s *Socket) GRPCPort() int {
	if s.Port == 0 {
		return 0
	}
	return s.Port - 1
}
