package metrics

import (
	"maps"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"kumi/config"
)

// naming makes names and labels as configured.
type naming struct {
	prefix, customPrefix string // with their separator
	common               prometheus.Labels
}

func newNaming(cfg *config.Config) naming {
	n := naming{common: prometheus.Labels{"node_name": cfg.Name}}
	if p := cfg.Metrics.Prefix; p != "" {
		n.prefix = cleanName(p + "_")
	}
	if p := cfg.Metrics.CustomPrefix; p != "" {
		n.customPrefix = p + "_"
	}
	if ns := cfg.Metrics.Namespace; ns != "" {
		n.common["namespace"] = ns
	}
	return n
}

// cleanName replaces the characters that Prometheus does not allow in a name.
func cleanName(name string) string {
	clean := []byte(name)
	for i, c := range clean {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9' && i > 0:
		default:
			clean[i] = '_'
		}
	}
	return string(clean)
}

// maxLabel is the maximum length of a label's value, in bytes; longer ones are cut.
// Clients choose some values, scripts pass on what clients chose, and each stays in
// memory for good.
const maxLabel = 128

// otherLabel is the label of all values beyond the number that is counted apart.
const otherLabel = "_other"

// label cuts the value of a label.
func label(value string) string {
	if len(value) > maxLabel {
		value = value[:maxLabel]
	}
	return strings.Clone(strings.ToValidUTF8(value, "\ufffd")) // do not retain the request
}

// with returns labels together with the common labels.
func (n *naming) with(labels prometheus.Labels) prometheus.Labels {
	all := maps.Clone(labels)
	if all == nil {
		all = prometheus.Labels{}
	}
	for name, value := range all {
		all[name] = label(value)
	}
	maps.Copy(all, n.common)
	return all
}
