package core

import (
	"net/netip"
	"strings"
	"testing"

	"kumi/store/fault"
)

func TestHostRules(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		allow, deny string
		refused     string // host and address of requests, and a word of why
		allowed     string
	}{
		"names":    {"", "Evil.example.com.", "evil.example.com@1.2.3.4@http_deny", "example.com@1.2.3.4 x.evil.example.com@1.2.3.4"},
		"wildcard": {"", "*.example.com", "a.example.com@1.2.3.4@*.example.com a.b.example.com@1.2.3.4@http_deny", "example.com@1.2.3.4 badexample.com@1.2.3.4"},
		"network":  {"", "10.1.0.0/16", "x@10.1.2.3@10.1.0.0/16 x@::ffff:10.1.2.3@http_deny x@64:ff9b::10.1.2.3@http_deny", "x@10.2.2.3 x@2001:db8::1"},
		"address":  {"", "10.1.2.3 [2001:db8::1]", "x@10.1.2.3@http_deny x@2001:db8::1@http_deny", "x@10.1.2.4 x@2001:db8::2"},
		"private":  {"", "private", "x@127.0.0.1@private x@::1@private x@169.254.169.254@private x@192.168.0.1@private x@0.0.0.0@private x@fe80::1%1@private x@fd00::1@private x@::@private", "x@8.8.8.8 x@2606:4700::1111"},
		"reserved": {"", "private", `x@192.0.2.1@private x@198.51.100.7@private x@203.0.113.9@private x@192.88.99.1@private x@255.255.255.255@private x@100::1@private
			x@2001:db8::1@private x@2001:2::1@private x@2001:20::1@private x@3fff::1@private x@5f00::1@private x@fec0::1@private x@ff02::1@private x@4000::1@private`,
			"x@192.0.1.1 x@198.51.101.1 x@203.0.112.1 x@2001:200::1 x@2620:4f:8000::1 x@3ffe::1"},
		"tunnels":     {"", "private", "x@2002:7f00:1::@private x@2001:0:4136::1@private x@::7f00:1@private x@::ffff:0:127.0.0.1@private x@64:ff9b::127.0.0.1@private", "x@64:ff9b::8.8.8.8 x@2001:4860:4860::8888"},
		"nat64":       {"", "64:ff9b::/96", "x@64:ff9b::8.8.8.8@64:ff9b::/96", "x@8.8.8.8"},
		"all IPv6":    {"", "::/0", "x@64:ff9b::8.8.8.8@::/0 x@2001:db8::1@::/0", "x@8.8.8.8"},
		"mapped":      {"", "::ffff:10.0.0.0/104", "x@10.1.2.3@/104 x@::ffff:10.1.2.3@/104", "x@11.1.2.3"},
		"allow name":  {"*.example.com", "", "x@1.2.3.4@http_allow example.com@1.2.3.4@http_allow", "a.example.com@1.2.3.4 a.example.com@127.0.0.1"},
		"allow both":  {"*.example.com 10.0.0.0/8", "10.9.0.0/16", "x@1.2.3.4@http_allow a.example.com@10.9.0.1@http_deny x@10.9.0.1@http_deny", "x@10.1.1.1 a.example.com@1.2.3.4"},
		"deny is all": {"", "*", "x@1.2.3.4@http_deny", ""},
	} {
		r, err := ParseHostRules(strings.Fields(tc.allow), strings.Fields(tc.deny))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		check := func(host, address string) error {
			if err := r.checkName(host); err != nil {
				return err
			}
			return r.checkAddress(host, netip.MustParseAddr(address))
		}
		for _, s := range strings.Fields(tc.refused) {
			p := strings.Split(s, "@")
			err := check(p[0], p[1])
			if fault.CodeOf(err) != fault.PermissionDenied || !strings.Contains(err.Error(), p[2]) || !strings.Contains(err.Error(), p[0]) {
				t.Errorf("%s, %s at %s: got %v, want a refusal that names the host and %s", what, p[0], p[1], err, p[2])
			}
		}
		for _, s := range strings.Fields(tc.allowed) {
			host, address, _ := strings.Cut(s, "@")
			if err := check(host, address); err != nil {
				t.Errorf("%s, %s at %s: %v", what, host, address, err)
			}
		}
	}
	if r, err := ParseHostRules(nil, nil); r != nil || err != nil {
		t.Errorf("no rules: got %v, %v", r, err)
	}
	for _, bad := range []string{"http://example.com", "example.com:80", "a b", "", "*..", "a.*.b", "10.0.0.0/40", "example.com/x"} {
		if _, err := ParseHostRules(nil, []string{bad}); err == nil || !strings.Contains(err.Error(), "runtime.http_deny") {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
}
