package acl_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"kumi/core/acl"
)

func everyRight() (all []acl.Right) {
	for _, r := range acl.Resources() {
		all = append(all, *r.Read(), *r.Write(), *r.Delete())
	}
	return all
}

// A set is the same after it was in a token, in the database or in a message.
func TestForms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s acl.Set
		rights := rapid.SliceOf(rapid.SampledFrom(everyRight())).Draw(t, "rights")
		for _, r := range rights {
			s.Add(r)
		}
		for _, r := range rights {
			if !s.Has(r) || !acl.Admin.Has(r) {
				t.Errorf("%s was added and is not there", r)
			}
		}
		if got, err := acl.FromToken(s.Token()); err != nil || got != s {
			t.Errorf("from the token: %v, %v", got, err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got acl.Set
		if err := json.Unmarshal(text, &got); err != nil || got != s {
			t.Errorf("from %s: %v, %v", text, got, err)
		}
		if got := acl.FromResources(s.ByResource()); got != s {
			t.Errorf("from the rights by resource: %v", got)
		}
		if !acl.Admin.Covers(s) || !s.Covers(s) || s.Covers(acl.Admin) {
			t.Error("an administrator's rights are more than any others")
		}
	})
}

func TestSet(t *testing.T) {
	t.Parallel()
	// The first bit is the most significant one: a token of another server's.
	if got := acl.Of(acl.Account.Read()); got[0] != 0x80 {
		t.Errorf("ACCOUNT:read is %x", got)
	}
	if got := acl.Of(acl.HiroEnergy.Delete()); got[11] != 0x80>>(89%8) {
		t.Errorf("HIRO_ENERGY:delete is %x", got)
	}
	every := acl.FromResources(acl.Admin.ByResource())
	if every != acl.Admin {
		t.Errorf("every right is not an administrator's: %x", every)
	}
	var s acl.Set
	for text, want := range map[string]acl.Set{
		`{"admin": true}`:  acl.Admin,
		`{"admin": false}`: {},
		`{"admin": false, "acl": {"USER": {"write": true}, "SOMETHING_NEW": {"read": true}}}`: acl.Of(acl.User.Write()),
	} {
		if err := json.Unmarshal([]byte(text), &s); err != nil || s != want {
			t.Errorf("%s is %x, %v", text, s, err)
		}
	}
	if err := json.Unmarshal([]byte(`{"admin": 1}`), &s); err == nil {
		t.Error("rights that are no rights are accepted")
	}
	if _, err := acl.FromToken("AAAA"); err == nil {
		t.Error("a token with too few rights is accepted")
	}
	if w, r := acl.Of(acl.User.Write()), acl.Of(acl.User.Read(), acl.User.Write()); w.Covers(r) || !r.Covers(w) {
		t.Error("rights are covered by those that lack one")
	}
}
