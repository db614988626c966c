package transport

import "testing"

func TestClientAddress(t *testing.T) {
	t.Parallel()
	const peer = "192.0.2.1:4000"
	for _, test := range []struct {
		forwarded []string
		remote    string
		proxies   int
		ip, port  string
	}{
		{nil, peer, 1, "192.0.2.1", "4000"},
		{nil, "[2001:db8::1]:4000", 1, "2001:db8::1", "4000"},
		{[]string{"203.0.113.7"}, peer, 1, "203.0.113.7", ""},
		{[]string{"203.0.113.7, 198.51.100.1"}, peer, 1, "203.0.113.7", ""},
		{[]string{"10.1.1.1, 203.0.113.7, 198.51.100.1"}, peer, 1, "203.0.113.7", ""},
		{[]string{"10.1.1.1, 203.0.113.7, 198.51.100.1"}, peer, 2, "10.1.1.1", ""},
		{[]string{"10.1.1.1, 203.0.113.7"}, peer, 0, "203.0.113.7", ""},
		{[]string{"203.0.113.7, 127.0.0.1, 198.51.100.1"}, peer, 1, "203.0.113.7", ""},
		{[]string{"203.0.113.7:80, unknown, 198.51.100.1"}, peer, 1, "203.0.113.7", "80"},
		{[]string{"10.1.1.1", "203.0.113.7, 198.51.100.1"}, peer, 1, "203.0.113.7", ""},
		{[]string{"[2001:db8::1]:80"}, peer, 1, "2001:db8::1", "80"},
		{[]string{"[2001:db8::1]"}, peer, 1, "2001:db8::1", ""},
		{[]string{"nonsense,,"}, peer, 1, "192.0.2.1", "4000"},
		{nil, "", 1, "", ""},
	} {
		ip, port := clientAddress(test.forwarded, test.remote, test.proxies)
		if ip != test.ip || port != test.port {
			t.Errorf("%q with %d proxies: %q %q, want %q %q", test.forwarded, test.proxies, ip, port, test.ip, test.port)
		}
	}
}
