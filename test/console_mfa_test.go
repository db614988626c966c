package test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"kumi/server/servertest"
	"kumi/store/storetest"
)

// authenticatorCode is what an authenticator app shows some periods from now.
func authenticatorCode(t *testing.T, secret string, periods int64) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, time.Now().Unix()/30+periods)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

// claimsOf returns the claims of a token.
func claimsOf(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// An operator sets a second factor up, logs in with it and with recovery codes, and loses
// it by a reset.
func TestConsoleSecondFactor(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, visitor := srv.ConsoleAdmin(), srv.ConsoleVisitor()
		admin.Add(t, "ann", goodPassword, `{"USER":{"read":true}}`)
		admin.Must(t, "POST", "/user/ann/mfa/require", `{"required":true}`)
		login := func(code string) servertest.Answer {
			return visitor.Do(t, "POST", "/authenticate", map[string]string{"username": "ann", "password": goodPassword, "mfa": code})
		}
		begun := login("")
		setup := begun.Get("mfa_code")
		if begun.Status != 200 || begun.Get("token") != "" || setup == "" {
			t.Fatalf("a log-in without the second factor: %d %s", begun.Status, begun.Body)
		}
		claims := claimsOf(t, setup)
		secret, _ := claims["secret"].(string)
		link, err := url.QueryUnescape(fmt.Sprint(claims["mfa_url"]))
		if err != nil || !strings.HasPrefix(link, "otpauth://totp/Kumi:ann@example.com?") || !strings.Contains(link, secret) {
			t.Errorf("the link is %s", link)
		}
		want(t, visitor.Do(t, "POST", "/authenticate/mfa", map[string]string{"mfa": setup, "code": "000000x"}), 400, 3, "code")
		want(t, visitor.Do(t, "POST", "/authenticate/mfa", map[string]string{"mfa": "x", "code": authenticatorCode(t, secret, 0)}), 401, 16, "Token")
		want(t, srv.ConsoleToken(setup).Do(t, "GET", "/status", nil), 401, 16, "Token")
		answer := visitor.Must(t, "POST", "/authenticate/mfa", map[string]string{"mfa": setup, "code": authenticatorCode(t, secret, -1)})
		var codes struct {
			Codes []string `json:"recovery_codes"`
		}
		if err := json.Unmarshal([]byte(answer.Body), &codes); err != nil || len(codes.Codes) != 16 || len(codes.Codes[0]) != 8 {
			t.Fatalf("recovery codes: %s", answer.Body)
		}
		want(t, visitor.Do(t, "POST", "/authenticate/mfa", map[string]string{"mfa": setup, "code": authenticatorCode(t, secret, 0)}), 401, 16, "Token")

		want(t, login(""), 403, 7, "A MFA code is required.")
		want(t, login("12"), 400, 3, "6 digits")
		right := authenticatorCode(t, secret, 1)
		in := login(right)
		if in.Get("token") == "" || !strings.Contains(in.Body, `"mfa_code":null`) {
			t.Fatalf("a log-in with the second factor: %d %s", in.Status, in.Body)
		}
		want(t, login(right), 401, 16, "Invalid credentials.") // once
		if a := login(codes.Codes[3]); a.Get("token") == "" {
			t.Errorf("a log-in with a recovery code: %s", a.Body)
		}
		want(t, login(codes.Codes[3]), 401, 16, "Invalid credentials.")
		if a := admin.Must(t, "GET", "/user/ann", nil); a.Get("mfa_enabled") != "true" || a.Get("mfa_required") != "true" {
			t.Errorf("the operator: %s", a.Body)
		}

		// After a reset it begins again.
		admin.Must(t, "POST", "/user/ann/mfa/reset", "{}")
		want(t, srv.ConsoleToken(in.Get("token")).Do(t, "GET", "/user", nil), 401, 16, "Token")
		if a := login(""); a.Get("mfa_code") == "" || a.Get("mfa_code") == setup {
			t.Errorf("after a reset: %s", a.Body)
		}
		want(t, visitor.Do(t, "POST", "/authenticate/mfa", map[string]string{"mfa": setup, "code": authenticatorCode(t, secret, 1)}), 401, 16, "Token")
		admin.Must(t, "POST", "/user/ann/mfa/require", `{"required":false}`)
		if a := login(""); a.Get("token") == "" {
			t.Errorf("without a second factor: %s", a.Body)
		}
	})
}

// If the administrator must have a second factor, a password alone is not enough.
func TestConsoleAdminFactor(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Flags("--mfa.admin_account_enabled", "--console.password", goodPassword))
	visitor := srv.ConsoleVisitor()
	want(t, srv.ConsoleBasic("admin", goodPassword).Do(t, "GET", "/status", nil), 403, 7, "MFA")
	login := map[string]string{"username": "admin", "password": goodPassword}
	setup := visitor.Must(t, "POST", "/authenticate", login).Get("mfa_code")
	secret, _ := claimsOf(t, setup)["secret"].(string)
	visitor.Must(t, "POST", "/authenticate/mfa", map[string]string{"mfa": setup, "code": authenticatorCode(t, secret, -1)})
	want(t, visitor.Do(t, "POST", "/authenticate", login), 403, 7, "A MFA code is required.")
	login["mfa"] = authenticatorCode(t, secret, 1)
	admin := srv.ConsoleToken(visitor.Must(t, "POST", "/authenticate", login).Get("token"))
	if a := admin.Must(t, "GET", "/user", nil); a.Body != `{"users":[]}` {
		t.Errorf("the administrator is listed: %s", a.Body)
	}
}

// A log-out and an invitation outlive the server, and so do the tokens that are valid,
// although the configuration has no key for them.
func TestConsoleRestart(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func() servertest.Option{
		"sqlite":   func() servertest.Option { return servertest.Flags("--data_dir", t.TempDir()) },
		"postgres": func() servertest.Option { return servertest.Flags("--database.address", storetest.Postgres(t)) },
	} {
		same := database()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var invite, in, out string
			t.Run("before", func(t *testing.T) {
				srv := servertest.Start(t, servertest.Console(), same)
				invite = srv.ConsoleAdmin().Must(t, "POST", "/user", `{"username":"ann","email":"ann@example.com","acl":{"USER":{"read":true}}}`).Get("token")
				login := map[string]string{"username": "admin", "password": "password"}
				out = srv.ConsoleVisitor().Must(t, "POST", "/authenticate", login).Get("token")
				in = srv.ConsoleVisitor().Must(t, "POST", "/authenticate", login).Get("token")
				srv.ConsoleVisitor().Must(t, "POST", "/authenticate/logout", map[string]string{"token": out})
			})
			srv := servertest.Start(t, servertest.Console(), same)
			want(t, srv.ConsoleToken(out).Do(t, "GET", "/user", nil), 401, 16, "Token")
			srv.ConsoleToken(in).Must(t, "GET", "/user", nil)
			srv.ConsoleVisitor().Must(t, "POST", "/authenticate/password_change", map[string]string{"code": invite, "password": goodPassword})
			srv.ConsoleLogin(t, "ann", goodPassword)
		})
	}
}
