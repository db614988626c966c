package api

import (
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
)

func TestFieldOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"account":{"id":5}}`: " (in account.id)",
		`{"account":{"id":"ä"},` + "\n" + `  "ü": 1, "username":[]}`:   " (in ü)",
		"{\n\n \"account\": {\"id\": \"äöü\", \"vars\": {\"a\": {}}}}": " (in account.vars.a)",
		`{"account":[]}`: " (in account)",
		`{"account":{"vars":{"a":"b"},"nmae":"x"}}`: " (in account.nmae)",
		`{"create":"yes"}`:                          " (in create)",
		`{"account":{"id":"x"}`:                     "",
		`[]`:                                        "",
		`{"create":true,}`:                          "",
	} {
		err := protojson.Unmarshal([]byte(text), &api.AuthenticateCustomRequest{})
		if err == nil {
			t.Fatalf("%s is no mistake", text)
		}
		if got := fieldOf(text, err); got != want {
			t.Errorf("%s: %v is said to be%s, not%s", text, err, got, want)
		}
	}
	err := protojson.Unmarshal([]byte(`{"ids":["a",5]}`), &api.AddFriendsRequest{})
	if got := fieldOf(`{"ids":["a",5]}`, err); got != " (in ids[1])" {
		t.Errorf("%v is said to be%s", err, got)
	}
}
