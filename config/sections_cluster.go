package config

import (
	"net"
	"net/url"
	"strings"
)

// Cluster connects several servers on one PostgreSQL database; see docs/cluster.md.
// Without listen and nats the server is alone, and opens no port for others.
type Cluster struct {
	Listen      string      `yaml:"listen" usage:"Address host:port for the other nodes, to be one of a cluster by the embedded NATS server. Empty opens none."`
	Advertise   string      `yaml:"advertise" usage:"Address host:port that the other nodes reach this one by, if it is not cluster.listen."`
	Join        []string    `yaml:"join" usage:"Address of another node; repeat or separate by commas for several. Nodes that run are also found through the database."`
	NATS        AddressList `yaml:"nats" usage:"URL of an external NATS server instead of the embedded one; repeat or separate by commas for several."`
	Credentials string      `yaml:"credentials" usage:"File with the credentials or the nkey seed for the external NATS servers."`
	Name        string      `yaml:"name" usage:"Name of the cluster. Nodes with another one are strangers."`
	Secret      Secret      `yaml:"secret" usage:"Secret that the nodes show each other, at least 16 characters. Needed unless cluster.listen is on the loopback interface."`
	TLSCert     string      `yaml:"tls_cert" usage:"File with this node's TLS certificate, for both directions. Needs cluster.tls_key and cluster.tls_ca."`
	TLSKey      string      `yaml:"tls_key" usage:"File with its private key."`
	TLSCA       string      `yaml:"tls_ca" usage:"File with the certificates that those of the other nodes must be signed by."`
	Insecure    bool        `yaml:"insecure" usage:"Allow connections to other machines without TLS: who can listen on the network reads the secret and all messages."`
	Placement   string      `yaml:"placement" usage:"Where new matches are placed: near (on the caller's node, or for the matchmaker that of most players) or spread (on the less loaded of two random nodes)."`
	DownAfterMs int         `yaml:"down_after_ms" usage:"Silence after which another node is down and its presences leave, in milliseconds."`
	LostAfterMs int         `yaml:"lost_after_ms" usage:"Silence after which it is lost and its players leave matches and parties, in milliseconds."`
	BufferMB    int         `yaml:"buffer_mb" usage:"Memory for messages to other nodes until they have confirmed them, in megabytes."`
}

// On reports whether this server is one of a cluster.
func (c *Cluster) On() bool { return c.Listen != "" || len(c.NATS) > 0 }

// Exposed reports whether other machines can reach the cluster's connections.
func (c *Cluster) Exposed() bool {
	if c.Listen != "" {
		host, _, _ := net.SplitHostPort(c.Listen)
		return !isLoopback(host)
	}
	for _, address := range Addresses(c.NATS) {
		if u, err := url.Parse(address); err != nil || !isLoopback(u.Hostname()) {
			return true
		}
	}
	return false
}

// Addresses returns the addresses of a list whose entries may have several, separated by
// commas.
func Addresses(list []string) (addresses []string) {
	for _, entry := range list {
		for address := range strings.SplitSeq(entry, ",") {
			if address = strings.TrimSpace(address); address != "" {
				addresses = append(addresses, address)
			}
		}
	}
	return addresses
}

// isLoopback reports whether a host can only be reached on this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
