package core

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
)

// The codes of RFC 6238, appendix B, of which six digits count.
func TestTOTP(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got := totpCode(secret, at/30); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	// A code counts in its period and the ones beside it, once.
	text := secretEncoding.EncodeToString(secret)
	for offset, want := range map[int64]bool{-60: false, -30: true, 0: true, 30: true, 60: false} {
		var used usedCodes
		if got := used.use(uuid.Nil, text, "081804", time.Unix(1111111109+offset, 0)); got != want {
			t.Errorf("%d seconds later: %v, want %v", offset, got, want)
		}
	}
	var used usedCodes
	if !used.use(uuid.Nil, text, "287082", time.Unix(59, 0)) || used.use(uuid.Nil, text, "287082", time.Unix(59, 0)) {
		t.Error("a code works twice")
	}
	if !used.use(uuid.Must(uuid.NewV4()), text, "287082", time.Unix(59, 0)) {
		t.Error("a code is used up for another operator")
	}
}

// What is encrypted begins with the nonce, as in Nakama's database.
func TestSeal(t *testing.T) {
	t.Parallel()
	key := "defaultmfastorageencryptionkey32"
	sealed, err := newSeal(key)
	if err != nil {
		t.Fatal(err)
	}
	k := &Console{sealed: sealed}
	text := k.seal("11112222,33334444")
	if got, err := k.unseal(text); err != nil || got != "11112222,33334444" {
		t.Errorf("decrypted to %q, %v", got, err)
	}
	if plain, err := sealed.Open(nil, text[:12], text[12:], nil); err != nil || string(plain) != "11112222,33334444" {
		t.Errorf("the nonce is not in front: %s", hex.EncodeToString(text))
	}
	text[len(text)-1] ^= 1
	if _, err := k.unseal(text); err == nil {
		t.Error("a changed text is decrypted")
	}
	if _, err := k.unseal(nil); err == nil {
		t.Error("nothing is decrypted")
	}
}

// A token is void from a change of its operator on, whether it has the second or the
// microsecond of its issue.
func TestOlderThan(t *testing.T) {
	t.Parallel()
	change := time.Unix(1_800_000_000, 500_000_000)
	for _, test := range []struct {
		issued float64
		exp    int64
		want   bool
	}{
		{1_800_000_000.4, 0, true}, {1_800_000_000.5, 0, false}, {1_800_000_000.500001, 0, false},
		{1_799_999_999, 0, true}, {1_800_000_000, 0, false}, {0, 1_800_003_599, true}, {0, 1_800_003_600, false},
	} {
		token := times{ExpiresAt: test.exp, IssuedAt: test.issued}
		if got := token.olderThan(change, time.Hour); got != test.want {
			t.Errorf("issued %f, expires %d: %v", test.issued, test.exp, got)
		}
		if test.issued != 0 && !token.olderThan(token.voidFrom(), time.Hour) {
			t.Errorf("issued %f is not void from %v", test.issued, token.voidFrom())
		}
	}
}
