package metrics

import (
	"maps"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"kumi/config"
)

// naming makes names and labels as the configuration says.
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

// cleanName replaces what may not be in a name of Prometheus.
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

// maxLabel is the length in bytes that values of labels are cut to. Clients
// choose some of them, and scripts pass on what clients chose; what a metric is
// named after stays in memory for good.
const maxLabel = 128

// otherLabel stands for all values of a label beyond as many as are kept apart.
const otherLabel = "_other"

// label bounds a value of a label.
func label(value string) string {
	if len(value) > maxLabel {
		value = value[:maxLabel]
	}
	return strings.Clone(strings.ToValidUTF8(value, "\ufffd")) // of what may be a part of a request
}

// with is the common labels and others.
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
