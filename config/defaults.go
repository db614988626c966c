package config

// Default keys, to be replaced before a server is public; a warning names each
// that is still in use.
const (
	defaultServerKey            = "defaultkey"
	defaultHTTPKey              = "defaulthttpkey"
	defaultEncryptionKey        = "defaultencryptionkey"
	defaultRefreshEncryptionKey = "defaultrefreshencryptionkey"
	defaultConsoleUsername      = "admin"
	defaultConsolePassword      = "password"
	defaultConsoleSigningKey    = "defaultsigningkey"
	// must be 32 bytes long
	defaultMFAKey = "defaultmfastorageencryptionkey32"
)

// Default returns the settings before any source is read. Settings that depend
// on others (runtime.path, deprecated runtime keys) are set by Validate.
func Default() *Config {
	return &Config{
		Name:    "nakama",
		DataDir: "./data",
		Limit:   -1,
		Logger:  Logger{Level: "info", Stdout: true, MaxSize: 100, Format: "auto"},
		Metrics: Metrics{ReportingFreqSec: 60, Prefix: "nakama", CustomPrefix: "custom", CustomScopeLimit: 10000},
		Session: Session{
			EncryptionKey:         defaultEncryptionKey,
			TokenExpirySec:        60,
			RefreshEncryptionKey:  defaultRefreshEncryptionKey,
			RefreshTokenExpirySec: 3600,
		},
		Socket: Socket{
			ServerKey:            defaultServerKey,
			Port:                 7350,
			Protocol:             "tcp",
			MaxMessageSizeBytes:  4096,
			MaxRequestSizeBytes:  262144,
			ReadBufferSizeBytes:  4096,
			WriteBufferSizeBytes: 4096,
			ReadTimeoutMs:        10000,
			WriteTimeoutMs:       10000,
			IdleTimeoutMs:        60000,
			WriteWaitMs:          5000,
			PongWaitMs:           25000,
			PingPeriodMs:         15000,
			PingBackoffThreshold: 20,
			CloseAckWaitMs:       2000,
			OutgoingQueueSize:    64,
			ProxyCount:           1,
		},
		Database: Database{
			ConnMaxLifetimeMs:    3600000,
			MaxOpenConns:         100,
			MaxIdleConns:         100,
			TransactionTimeoutMs: 4000,
			DNSScanIntervalSec:   60,
		},
		Runtime: Runtime{
			HTTPKey:            defaultHTTPKey,
			MatchReload:        "pin",
			CallTimeoutMs:      10000,
			TickTimeoutMs:      10000,
			MaxCallMemoryMB:    512,
			MaxHeapMB:          1024,
			MaxLocalCacheMB:    256,
			MaxResultBytes:     16 << 20,
			JSMinCount:         16,
			JSMaxCount:         32,
			JSStackSize:        50000,
			JSReadOnlyGlobals:  true,
			JSMatchStateNulls:  true,
			LuaMinCount:        16,
			LuaMaxCount:        48,
			LuaCallStackSize:   50_000,
			LuaRegistrySize:    512,
			LuaReadOnlyGlobals: true,
			EventQueueSize:     65536,
			EventQueueWorkers:  8,
			ReadOnlyGlobals:    true,
		},
		Match: Match{
			OnError:               "disconnect",
			Record:                "off",
			RecordMaxKB:           4 << 10,
			RecordMaxMemoryMB:     256,
			RecordFolder:          "recordings",
			RecordMaxFolderMB:     1 << 10,
			InputQueueSize:        128,
			CallQueueSize:         128,
			SignalQueueSize:       10,
			JoinAttemptQueueSize:  128,
			DeferredQueueSize:     128,
			JoinMarkerDeadlineMs:  15000,
			LabelUpdateIntervalMs: 1000,
			Snapshot:              "off",
			ResumeSec:             30,
		},
		Tracker:     Tracker{EventQueueSize: 1024},
		Party:       Party{LabelUpdateIntervalMs: 1000, IdleCheckIntervalMs: 30000},
		Matchmaker:  Matchmaker{MaxTickets: 3, IntervalSec: 15, MaxIntervals: 2, RevThreshold: 1},
		Leaderboard: Leaderboard{CallbackQueueSize: 65536, CallbackQueueWorkers: 8, RankCacheWorkers: 1},
		Console: Console{
			Port:                7351,
			MaxMessageSizeBytes: 4194304,
			ReadTimeoutMs:       10000,
			WriteTimeoutMs:      60000,
			IdleTimeoutMs:       300000,
			Username:            defaultConsoleUsername,
			Password:            defaultConsolePassword,
			TokenExpirySec:      86400,
			SigningKey:          defaultConsoleSigningKey,
			MFA:                 ConsoleMFA{StorageEncryptionKey: defaultMFAKey},
		},
		MFA:    MFA{StorageEncryptionKey: defaultMFAKey},
		Satori: Satori{CacheMode: "context", CacheTTLSec: 300, HTTPTimeoutMs: 10000},
		Fleet: Fleet{
			Address: "127.0.0.1", PortMin: 7400, PortMax: 7499, MaxInstances: 10, Ready: "line", ReadyText: "@fleet ready",
			StartTimeoutSec: 60, StopGraceSec: 10, LogLinesPerSec: 50,
		},
		Cluster: Cluster{Name: "kumi", Placement: "near", DownAfterMs: 1500, LostAfterMs: 10000, BufferMB: 256},
	}
}
