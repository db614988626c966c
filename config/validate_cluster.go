package config

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
)

var clusterName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,32}$`)

// minSecret is the minimum length of the cluster's secret.
const minSecret = 16

func (v *validator) cluster() {
	c := &v.cfg.Cluster
	if c.LostAfterMs <= c.DownAfterMs {
		v.fail("cluster.lost_after_ms", "must be greater than cluster.down_after_ms")
	}
	v.oneOf("cluster.placement", c.Placement, "near", "spread")
	if !clusterName.MatchString(c.Name) {
		v.fail("cluster.name", "must be 1 to 32 letters, digits, - and _")
	}
	if n := len(c.Secret); n > 0 && n < minSecret {
		v.fail("cluster.secret", "must have at least 16 characters")
	}
	if given := c.TLSCert != ""; given != (c.TLSKey != "") || given != (c.TLSCA != "") {
		v.fail("cluster.tls_cert", "and cluster.tls_key and cluster.tls_ca must be given together")
	}
	if c.Listen == "" && (c.Advertise != "" || len(c.Join) > 0) {
		v.fail("cluster.listen", "must be set for cluster.advertise and cluster.join")
	}
	if !c.On() {
		return
	}
	if v.cfg.Name == Default().Name {
		v.fail("name", "must not have its default in a cluster: each node needs a name of its own")
	}
	if len(v.cfg.Database.Address) == 0 {
		v.fail("database.address", "must be set in a cluster: its nodes share a PostgreSQL database")
	}
	if c.Exposed() {
		for _, path := range v.cfg.defaultSecrets() {
			v.fail(path, "must not have its default in a cluster that other machines can reach")
		}
	}
	if c.Listen == "" {
		v.clusterNATS(c)
		return
	}
	if len(c.NATS) > 0 {
		v.fail("cluster.nats", "and cluster.listen exclude each other")
	}
	v.clusterAddresses(c)
}

// clusterAddresses checks the addresses of the embedded server, and that it is protected.
func (v *validator) clusterAddresses(c *Cluster) {
	host, ok := v.address("cluster.listen", c.Listen)
	if c.Advertise != "" {
		v.address("cluster.advertise", c.Advertise)
	} else if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		v.fail("cluster.advertise", "must be set when cluster.listen is on all interfaces: the other nodes need one address")
	}
	for _, address := range Addresses(c.Join) {
		v.address("cluster.join", address)
	}
	if !ok || isLoopback(host) {
		return
	}
	if c.Secret == "" {
		v.fail("cluster.secret", "must be set unless cluster.listen is on the loopback interface")
	}
	if c.TLSCert == "" && !c.Insecure {
		v.fail("cluster.tls_cert", "must be set unless cluster.listen is on the loopback interface; cluster.insecure allows it without")
	}
}

// address checks an address host:port and returns its host.
func (v *validator) address(path, address string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host == "" || n == 0 && path != "cluster.listen" {
		v.fail(path, "must be host:port, not "+strconv.Quote(address))
		return "", false
	}
	return host, true
}

// clusterNATS checks the addresses of external servers.
func (v *validator) clusterNATS(c *Cluster) {
	for _, address := range Addresses(c.NATS) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			v.fail("cluster.nats", "must be nats://host:port or tls://host:port")
			return
		}
		if u.Scheme == "nats" && c.TLSCert == "" && !isLoopback(u.Hostname()) && !c.Insecure {
			v.fail("cluster.nats", "must be tls://… or have cluster.tls_cert unless it is on the loopback interface; cluster.insecure allows it without")
			return
		}
	}
}
