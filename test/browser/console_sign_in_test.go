package browser

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"kumi/server/servertest"
)

// totp is what an authenticator app shows for a secret.
func totp(t *testing.T, secret string) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, time.Now().Unix()/30)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// TestConsoleSecondFactor sets up an authenticator app, whose QR code the page draws, and
// signs in with a recovery code.
func TestConsoleSecondFactor(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	const password = "correct horse battery"
	added := srv.ConsoleAdmin().Must(t, "POST", "/user", `{"username":"ann","email":"ann@example.com","acl":{"ACCOUNT":{"read":true}},"mfa_required":true}`)
	srv.ConsoleVisitor().Must(t, "POST", "/authenticate/password_change", map[string]string{"code": added.Get("token"), "password": password})

	o := &operator{tab: open(t, browser(t), "http://"+srv.ConsoleAddr().String()+"/", ".sign-in")}
	o.enter(t, "ann", password)
	o.sees(t, "!!document.querySelector('svg.qr path')")
	o.picture(t, "second-factor")
	o.fill(t, "Code", totp(t, o.read(t, "document.querySelector('.sign-in code').textContent")))
	o.press(t, "Set up")
	o.sees(t, "!!document.querySelector('.codes')")
	code := o.read(t, "document.querySelector('.codes').textContent.split('\\n')[0]")
	o.press(t, "Go on")
	o.fill(t, "Code of your authenticator app, or a recovery code", code)
	o.press(t, "Sign in")
	o.sees(t, "!!document.querySelector('.menu')")

	// The administrator takes it away.
	o.press(t, "Sign out")
	o.enter(t, "admin", "password")
	o.sees(t, "!!document.querySelector('.menu')")
	o.page(t, "/settings?tab=operators")
	o.sees(t, shows(".table", "set up"))
	o.row(t, "ann", "Edit")
	o.confirmIn(t, "Remove the second factor", "Remove")
	o.shows(t, "It is removed.")
	o.sees(t, "!"+shows(".table", "set up"))
	o.leave(t)
}

// cutting is a listener whose connections can be cut, those of sockets too.
type cutting struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (c *cutting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

func (c *cutting) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

var oneTimeCode = regexp.MustCompile(`one-time code ([0-9a-f]+)`)

// TestConsoleBehindProxy visits a new server from elsewhere, below a path of a proxy: the
// console asks for the code of the log and a password, and works there, also after the
// proxy has cut its connections.
func TestConsoleBehindProxy(t *testing.T) {
	t.Parallel()
	var log servertest.Journal
	srv := servertest.Start(t, servertest.Console(), log.Keep())
	bob := srv.User(t, "bob")
	target, err := url.Parse("http://" + srv.ConsoleAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewUnstartedServer(http.StripPrefix("/ops", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}))
	line := &cutting{Listener: proxy.Listener}
	proxy.Listener = line
	proxy.Start()
	t.Cleanup(proxy.Close)

	o := &operator{tab: open(t, browser(t), proxy.URL+"/ops/", ".sign-in")}
	o.expect("403") // the default password
	o.enter(t, "admin", "password")
	o.shows(t, "One-time code")
	o.picture(t, "first-visit")
	found := oneTimeCode.FindStringSubmatch(log.String())
	if found == nil {
		t.Fatalf("there is no code in the log:\n%s", log.String())
	}
	o.fill(t, "One-time code", found[1])
	o.fill(t, "New password, at least 12 characters", "correct horse battery")
	o.press(t, "Set password and sign in")
	o.sees(t, "document.querySelectorAll('.chart canvas').length === 12") // so the socket works

	// After an interruption the page connects again by itself, and shows what is new.
	o.sees(t, "document.querySelector('.figures b').textContent === '0'")
	line.cut()
	o.shows(t, "Reconnecting…")
	bob.Socket(t)
	o.sees(t, "document.querySelector('.figures b').textContent === '1'")
	o.sees(t, "!"+shows(".bar", "Reconnecting…"))

	o.page(t, "/players")
	o.sees(t, shows(".table", "bob"))
	o.page(t, "/playground")
	o.press(t, "Two players in a match")
	o.place(t, 2, "(2)")
	o.leave(t)
}
