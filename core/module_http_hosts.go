package core

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"kumi/store/fault"
)

// HostRules restrict the hosts of scripts' HTTP requests. They are immutable;
// nil allows everything.
type HostRules struct {
	allow, deny hostList
	plain, lax  *http.Client // lax accepts any certificate
}

// hostList is one list of rules.
type hostList struct {
	names []string // in lower case: a name, "*" or "*.parent"
	nets  []addressRule
}

type addressRule struct {
	text   string
	prefix []netip.Prefix
}

// privateRule is the name for all networks that are not public.
const privateRule = "private"

var privateNets = func() (nets []netip.Prefix) {
	// The special-purpose registries of IANA, and of IPv6 all that is not global
	// unicast (2000::/3).
	for _, s := range strings.Fields(`0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
		192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
		::/96 ::ffff:0:0:0/96 64:ff9b:1::/48 100::/8 200::/7 400::/6 800::/5 1000::/4 2001::/23 2001:db8::/32 2002::/16 3fff::/20 4000::/2 8000::/1`) {
		nets = append(nets, netip.MustParsePrefix(s))
	}
	return nets
}()

// nat64 has IPv4 addresses in its last four bytes.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// ParseHostRules parses two lists of host names ("api.example.com",
// "*.example.com" for the names below it, "*"), addresses, networks in CIDR
// form and the word "private", for all networks that are not public. Hosts in
// deny are denied; if allow is not empty, so are hosts that are not in it.
// With both lists empty it returns nil. The error names the invalid rule.
func ParseHostRules(allow, deny []string) (*HostRules, error) {
	if len(allow) == 0 && len(deny) == 0 {
		return nil, nil
	}
	r := &HostRules{}
	var err error
	if r.allow, err = parseHosts(allow); err != nil {
		return nil, fmt.Errorf("runtime.http_allow: %w", err)
	}
	if r.deny, err = parseHosts(deny); err != nil {
		return nil, fmt.Errorf("runtime.http_deny: %w", err)
	}
	r.plain, r.lax = &http.Client{Transport: r.transport(false)}, &http.Client{Transport: r.transport(true)}
	return r, nil
}

func parseHosts(rules []string) (l hostList, err error) {
	for _, text := range rules {
		rule := hostName(text)
		if rule == privateRule {
			l.nets = append(l.nets, addressRule{text, privateNets})
			continue
		}
		if p, err := netip.ParsePrefix(rule); err == nil {
			l.nets = append(l.nets, addressRule{text, []netip.Prefix{unmapped(p)}})
			continue
		}
		if a, err := netip.ParseAddr(strings.Trim(rule, "[]")); err == nil {
			l.nets = append(l.nets, addressRule{text, []netip.Prefix{netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())}})
			continue
		}
		if !isHostRule(rule) {
			return l, fault.Newf(fault.InvalidArgument, "%q is not a rule: expected a host name, *.name, an address, a network such as 10.0.0.0/8, or private; without scheme, port and path", text)
		}
		l.names = append(l.names, rule)
	}
	return l, nil
}

// unmapped returns a network of IPv4-mapped IPv6 addresses as a network of
// IPv4 addresses, which is how addresses are compared.
func unmapped(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

func hostName(s string) string { return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), ".") }

func isHostRule(s string) bool {
	if s == "*" {
		return true
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(s, "*."), ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// name returns the rule that matches a host name, empty for none.
func (l *hostList) name(host string) string {
	for _, rule := range l.names {
		if parent, below := strings.CutPrefix(rule, "*"); rule == host || below && strings.HasSuffix(host, parent) {
			return rule
		}
	}
	return ""
}

// address returns the rule that matches an address, or an address embedded in
// it; empty for none.
func (l *hostList) address(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	leads := a
	if nat64.Contains(a) {
		b := a.As16()
		leads = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, rule := range l.nets {
		for _, p := range rule.prefix {
			if p.Contains(a) || p.Contains(leads) {
				return rule.text
			}
		}
	}
	return ""
}

func (l *hostList) empty() bool { return len(l.names) == 0 && len(l.nets) == 0 }

// checkName checks what can be decided without the address.
func (r *HostRules) checkName(host string) error {
	if rule := r.deny.name(host); rule != "" {
		return refusedHost(host, fmt.Sprintf("runtime.http_deny has %q", rule))
	}
	if !r.allow.empty() && len(r.allow.nets) == 0 && r.allow.name(host) == "" {
		return refusedHost(host, "runtime.http_allow does not have it")
	}
	return nil
}

// checkAddress checks an address of a host.
func (r *HostRules) checkAddress(host string, a netip.Addr) error {
	what := host
	if host != a.String() {
		what += " at " + a.String()
	}
	if rule := r.deny.address(a); rule != "" {
		return refusedHost(what, fmt.Sprintf("runtime.http_deny has %q", rule))
	}
	if !r.allow.empty() && r.allow.name(host) == "" && r.allow.address(a) == "" {
		return refusedHost(what, "runtime.http_allow does not have it")
	}
	return nil
}

func refusedHost(what, why string) error {
	return fault.Private(fault.PermissionDenied, fmt.Sprintf("requests to %s are not allowed: %s", what, why), nil)
}

// transport makes connections that obey the rules. They are checked when a
// connection is made, with the address it goes to, so neither a redirect nor a
// changed DNS record can bypass them. Proxies are not used, because a proxy
// would resolve the name itself.
func (r *HostRules) transport(insecure bool) http.RoundTripper {
	t := httpTransport(insecure)
	t.Proxy = nil
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		host = hostName(host)
		if err := r.checkName(host); err != nil {
			return nil, err
		}
		d := net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, ControlContext: func(_ context.Context, _, at string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(at)
			if err != nil {
				return err
			}
			return r.checkAddress(host, to.Addr())
		}}
		return d.DialContext(ctx, network, address)
	}
	return t
}

// close closes idle connections.
func (r *HostRules) close() {
	if r != nil {
		r.plain.CloseIdleConnections()
		r.lax.CloseIdleConnections()
	}
}
