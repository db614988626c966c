package config

import "fmt"

// minValues are the minimum values of numeric settings.
var minValues = map[string]int64{
	"session.token_expiry_sec":           1,
	"session.refresh_token_expiry_sec":   1,
	"socket.max_message_size_bytes":      1,
	"socket.max_request_size_bytes":      1,
	"socket.read_buffer_size_bytes":      1,
	"socket.write_buffer_size_bytes":     1,
	"socket.read_timeout_ms":             1,
	"socket.write_timeout_ms":            1,
	"socket.idle_timeout_ms":             1,
	"socket.write_wait_ms":               1,
	"socket.ping_period_ms":              1,
	"socket.ping_backoff_threshold":      0,
	"socket.close_ack_wait_ms":           1,
	"socket.outgoing_queue_size":         1,
	"socket.proxy_count":                 0,
	"metrics.reporting_freq_sec":         1,
	"metrics.custom_scope_limit":         0,
	"logger.max_size":                    0,
	"logger.max_age":                     0,
	"logger.max_backups":                 0,
	"runtime.call_timeout_ms":            1,
	"runtime.tick_timeout_ms":            1,
	"runtime.max_call_memory_mb":         0,
	"runtime.max_heap_mb":                0,
	"runtime.max_local_cache_mb":         0,
	"runtime.max_result_bytes":           0,
	"runtime.js_min_count":               0,
	"runtime.js_max_count":               1,
	"runtime.js_stack_size":              16,
	"runtime.lua_min_count":              0,
	"runtime.lua_max_count":              1,
	"runtime.lua_call_stack_size":        1,
	"runtime.lua_registry_size":          128,
	"runtime.event_queue_size":           1,
	"runtime.event_queue_workers":        1,
	"match.input_queue_size":             1,
	"match.call_queue_size":              1,
	"match.signal_queue_size":            1,
	"match.join_attempt_queue_size":      1,
	"match.deferred_queue_size":          1,
	"match.join_marker_deadline_ms":      1,
	"match.max_empty_sec":                0,
	"match.label_update_interval_ms":     1,
	"tracker.event_queue_size":           1,
	"party.label_update_interval_ms":     1,
	"leaderboard.callback_queue_size":    1,
	"leaderboard.callback_queue_workers": 1,
	"leaderboard.rank_cache_workers":     1,
	"matchmaker.max_tickets":             1,
	"matchmaker.interval_sec":            1,
	"matchmaker.max_intervals":           1,
	"matchmaker.rev_threshold":           0,
	"matchmaker.ticket_timeout_sec":      0,
	"console.max_message_size_bytes":     1,
	"console.read_timeout_ms":            1,
	"console.write_timeout_ms":           1,
	"console.idle_timeout_ms":            1,
	"console.token_expiry_sec":           1,
	"satori.cache_ttl_sec":               1,
	"satori.http_timeout_ms":             1,
	"satori.retry_count":                 0,
}

func (v *validator) limits() {
	for _, l := range newTree(v.cfg).leaves {
		if min, ok := minValues[l.path]; ok && l.field.Int() < min {
			v.fail(l.path, fmt.Sprintf("must be %d or more", min))
		}
	}
}
