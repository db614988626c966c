package browser

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http/httputil"
	"regexp"
	"strings"
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

var oneTimeCode = regexp.MustCompile(`one-time code ([0-9a-f]+)`)

// TestConsoleBehindProxy visits a new server from elsewhere, below a path of a proxy: the
// console asks for the code of the log and a password, and works there, also after the
// proxy has cut its connections, and while it is slow.
func TestConsoleBehindProxy(t *testing.T) {
	t.Parallel()
	var log servertest.Journal
	srv := servertest.Start(t, servertest.Console(), log.Keep())
	bob := srv.User(t, "bob")
	p := newProxy(t, srv, "/ops", (*httputil.ProxyRequest).SetXForwarded)

	o := &operator{tab: open(t, browser(t), p.URL+"/ops/", ".sign-in")}
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
	p.hold(func(path string) bool { return path == "/v2/console/live" })
	p.cut()
	o.shows(t, "Reconnecting…")
	bob.Socket(t)
	p.release()
	o.sees(t, "document.querySelector('.figures b').textContent === '1'")
	o.sees(t, "!"+shows(".bar", "Reconnecting…"))

	o.page(t, "/players")
	o.sees(t, shows(".table", "bob"))

	// What was done is told also when the page was left before it has seen it.
	player := "/v2/console/account/" + bob.ID
	o.page(t, "/players/"+bob.ID)
	o.press(t, "Ban")
	p.hold(func(path string) bool { return path == player })
	o.press(t, "Ban")
	p.waits(t, 1, 0)
	o.page(t, "/players")
	o.shows(t, "bob is banned.")
	p.release()
	o.page(t, "/players/"+bob.ID)
	p.hold(func(path string) bool { return path == player+"/unban" })
	o.press(t, "Lift the ban")
	p.waits(t, 1, 1)
	o.page(t, "/players")
	p.release()
	o.shows(t, "bob may play again.")
	o.page(t, "/playground")
	o.press(t, "Two players in a match")
	o.place(t, 2, "(2)")
	o.leave(t)
}

// TestConsoleSignOut signs out while the server is slow: the page gives up what it has
// asked for, and says nothing about it, here and in another tab, where an upload runs. To
// set a password is not given up.
func TestConsoleSignOut(t *testing.T) {
	t.Parallel()
	b := browser(t)
	srv := servertest.Start(t, servertest.Console())
	p := newProxy(t, srv, "", func(*httputil.ProxyRequest) {})
	o := &operator{tab: open(t, b, p.URL+"/", ".sign-in")}

	// What the first page asks for.
	p.hold(func(path string) bool {
		end, api := strings.CutPrefix(path, "/v2/console/")
		return api && !strings.HasPrefix(end, "authenticate") && !strings.HasPrefix(end, "user/")
	})
	o.enter(t, "admin", "password")
	p.waits(t, 4, 0) // with the socket, which the page closes when it is open
	o.press(t, "Sign out")
	o.leaves(t, p, 1, 3)

	// It cannot be found out who has signed in.
	p.hold(func(path string) bool { return path == "/v2/console/user/admin" })
	o.expect("502")
	o.enter(t, "admin", "password")
	p.waits(t, 1, 3)
	p.refuse()
	o.shows(t, "the proxy refuses it")
	o.press(t, "Try again")
	o.sees(t, "!!document.querySelector('.menu')")
	o.do(t, "keep files", evaluate(keepFiles))
	o.sees(t, "document.querySelectorAll('.chart canvas').length === 12")

	// An upload, whose dialog is open.
	o.page(t, "/storage")
	o.do(t, "have a file", evaluate("window.saved = '[]'"))
	p.hold(func(path string) bool { return path == "/v2/console/storage/import" })
	o.press(t, "Import")
	o.sees(t, "!!document.querySelector('dialog')")
	o.press(t, "Import")
	p.waits(t, 1, 3)
	other := &operator{tab: open(t, b, p.URL+"/", ".menu")}
	other.sees(t, "document.querySelectorAll('.chart canvas').length === 12")
	other.press(t, "Sign out")
	o.leaves(t, p, 0, 4)
	o.enter(t, "admin", "password")
	o.sees(t, shows("h1", "Storage"))
	other.sees(t, "!document.querySelector('.front')")

	// What needs no sign-in goes on.
	added := srv.ConsoleAdmin().Must(t, "POST", "/user", `{"username":"ann","email":"ann@example.com","acl":{"ACCOUNT":{"read":true}}}`)
	o.do(t, "follow the link", evaluate("location.hash = '#/reset?token="+added.Get("token")+"'"))
	o.fill(t, "New password", "correct horse battery")
	o.fill(t, "The same again", "correct horse battery")
	p.hold(func(path string) bool { return path == "/v2/console/authenticate/password_change" })
	o.do(t, "listen", evaluate("addEventListener('storage', () => (window.told = true))"))
	o.press(t, "Set password")
	p.waits(t, 1, 4)
	other.press(t, "Sign out")
	o.sees(t, "!!window.told")
	p.release()
	o.shows(t, "Your password is set.")
	o.enter(t, "ann", "correct horse battery")
	for _, o := range []*operator{o, other} {
		o.sees(t, "!!document.querySelector('.menu')")
		o.leave(t)
	}
}

// leaves waits until the operator has signed out, and so many requests are still held and
// so many given up. Nothing but the front is left.
func (o *operator) leaves(t *testing.T, p *proxy, held, left int) {
	t.Helper()
	o.sees(t, "!!document.querySelector('.front')")
	p.waits(t, held, left)
	p.release()
	if o.read(t, "String(!!document.querySelector('dialog, .toast, .problem'))") == "true" {
		t.Errorf("the page says %q", o.text(t))
	}
}
