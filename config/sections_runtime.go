package config

// Runtime holds the settings of modules and of the script engines.
type Runtime struct {
	Env     EnvList `yaml:"env" usage:"KEY=VALUE that modules see in their context; repeat for several."`
	Path    string  `yaml:"path" usage:"Folder with modules. Empty means the modules folder in data_dir."`
	HTTPKey Secret  `yaml:"http_key" usage:"Key for calls from other servers."`

	JSEntrypoint string `yaml:"js_entrypoint" usage:"JavaScript or TypeScript file to load, relative to runtime.path. Empty means index.ts or index.js, or what tsconfig.json lists."`
	Watch        bool   `yaml:"watch" usage:"Reload modules when a file under runtime.path changes."`

	MatchReload string `yaml:"match_reload" usage:"What running matches do when modules are reloaded: pin (finish on the code they began with) or swap (move to the new code)."`

	CallTimeoutMs int `yaml:"call_timeout_ms" usage:"Maximum time that one call into a script may take, in milliseconds."`
	TickTimeoutMs int `yaml:"tick_timeout_ms" usage:"Maximum time that one call of a match handler may take, in milliseconds."`

	MaxCallMemoryMB int `yaml:"max_call_memory_mb" usage:"Megabytes by which the server's memory may grow during one call into a script before the call is stopped. 0 means no limit."`
	MaxHeapMB       int `yaml:"max_heap_mb" usage:"Megabytes of memory in use at which all script VMs are replaced, because they may hold memory that is no longer needed; matches keep theirs. 0 means no limit."`
	MaxLocalCacheMB int `yaml:"max_local_cache_mb" usage:"Megabytes that the values of localcachePut of one script language may take in total. 0 means no limit."`
	MaxResultBytes  int `yaml:"max_result_bytes" usage:"Maximum size of the result of a script's RPC or signal, and of a message of a match, in bytes. 0 means no limit."`

	HTTPAllow []string `yaml:"http_allow" usage:"Hosts that httpRequest of scripts may reach: host names, *.example.com, addresses, networks such as 10.0.0.0/8, or private; repeat for several. Empty means all."`
	HTTPDeny  []string `yaml:"http_deny" usage:"Hosts that httpRequest of scripts may not reach, in the same forms; takes precedence over http_allow."`

	JSMinCount        int  `yaml:"js_min_count" usage:"Minimum number of JavaScript VMs, which are kept ready."`
	JSMaxCount        int  `yaml:"js_max_count" usage:"Maximum number of JavaScript VMs, without those of matches."`
	JSStackSize       int  `yaml:"js_stack_size" usage:"Maximum nesting of JavaScript calls, up to 100000; deeper calls throw a RangeError."`
	JSReadOnlyGlobals bool `yaml:"js_read_only_globals" usage:"Protect JavaScript globals from changes after loading."`
	JSMatchStateNulls bool `yaml:"js_match_state_nulls" usage:"Turn undefined and holes of arrays in the state of JavaScript matches into null between callbacks, as Nakama does."`
	JSAPIStacktrace   bool `yaml:"js_api_stacktrace" usage:"Send JavaScript stack traces to callers of RPCs over HTTP."`

	LuaMinCount        int  `yaml:"lua_min_count" usage:"Minimum number of Lua VMs, which are kept ready."`
	LuaMaxCount        int  `yaml:"lua_max_count" usage:"Maximum number of Lua VMs, without those of matches."`
	LuaCallStackSize   int  `yaml:"lua_call_stack_size" usage:"Maximum nesting of Lua calls."`
	LuaRegistrySize    int  `yaml:"lua_registry_size" usage:"Maximum number of values on the stack of a Lua VM. Lower values are raised to 262144."`
	LuaReadOnlyGlobals bool `yaml:"lua_read_only_globals" usage:"Protect Lua globals from changes after loading."`
	LuaAPIStacktrace   bool `yaml:"lua_api_stacktrace" usage:"Send Lua stack traces to callers of RPCs over HTTP."`

	EventQueueSize    int `yaml:"event_queue_size" usage:"Custom events that may wait for their handlers; more are dropped."`
	EventQueueWorkers int `yaml:"event_queue_workers" usage:"Event handlers that run at the same time."`

	MinCount        int  `yaml:"min_count" usage:"Deprecated, use runtime.lua_min_count."`
	MaxCount        int  `yaml:"max_count" usage:"Deprecated, use runtime.lua_max_count."`
	CallStackSize   int  `yaml:"call_stack_size" usage:"Deprecated, use runtime.lua_call_stack_size."`
	RegistrySize    int  `yaml:"registry_size" usage:"Deprecated, use runtime.lua_registry_size."`
	ReadOnlyGlobals bool `yaml:"read_only_globals" usage:"Deprecated, use runtime.lua_read_only_globals."`
}
