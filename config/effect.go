package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// The reasons why a setting has no effect.
const (
	noRankCache  = "ranks are in the database, there is no cache to fill"
	noBoardQueue = "ends and resets wait in the database"
	otherMFA     = "the key of that name in the section mfa is what counts"
	retiredThere = "Nakama has retired it"
	immediate    = "labels show in listings at once, and an empty party ends at once"
	ownBuffers   = "the server chooses the buffer sizes of sockets"
)

// withoutEffect are the settings that are accepted, so that Nakama's
// configuration files load, but change nothing in the server, with the reason. The help
// and warnings at start show it.
var withoutEffect = map[string]string{
	"limit": "it is a flag of the migrate command alone",

	"metrics.reporting_freq_sec":     "metrics are collected when they are requested",
	"socket.read_buffer_size_bytes":  ownBuffers,
	"socket.write_buffer_size_bytes": ownBuffers,
	"database.dns_scan_interval_sec": "each new connection resolves the address",
	"match.call_queue_size":          "joins and leaves are never refused",
	"match.label_update_interval_ms": immediate,
	"party.label_update_interval_ms": immediate,
	"party.idle_check_interval_ms":   immediate,

	"leaderboard.callback_queue_size": noBoardQueue,
	"leaderboard.rank_cache_workers":  noRankCache,

	"console.mfa.storage_encryption_key": otherMFA,
	"console.mfa.admin_account_enabled":  otherMFA,

	"iap.google.refund_check_period_min": retiredThere,
	"iap.google.package_name":            retiredThere,

	"satori.cache_enabled": retiredThere,
}

// ineffective returns a warning for each reason why settings that were changed
// have no effect.
func (c *Config) ineffective() []string {
	var reasons, warnings []string
	keys := map[string][]string{}
	defaults := newTree(Default())
	for _, l := range newTree(c).leaves {
		reason, ok := withoutEffect[l.path]
		if !ok || reflect.DeepEqual(l.field.Interface(), defaults.byPath[l.path].field.Interface()) {
			continue
		}
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
		keys[reason] = append(keys[reason], l.path)
	}
	for _, reason := range reasons {
		warnings = append(warnings, fmt.Sprintf("no effect, because %s: %s", reason, strings.Join(keys[reason], ", ")))
	}
	return warnings
}
