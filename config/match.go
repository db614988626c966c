package config

import "strconv"

// MatchSnapshots parses the setting match.snapshot: whether matches survive a planned
// restart, and the ticks between two snapshots; 0: there are none before that. ok is false
// for any other text.
func MatchSnapshots(setting string) (on bool, ticks int, ok bool) {
	switch setting {
	case "off":
		return false, 0, true
	case "shutdown":
		return true, 0, true
	}
	ticks, err := strconv.Atoi(setting)
	return true, ticks, err == nil && ticks > 0
}
