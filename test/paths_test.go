package test

import (
	"net/http"
	"testing"

	"kumi/server/servertest"
)

func TestUnusualPaths(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t)
	ann := srv.User(t, "ann")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, want := range map[string]struct {
		status   int
		location string
	}{
		"/v2/%61ccount":                  {200, ""},
		"/v2/storage/a%2Fb":              {200, ""}, // one collection
		"/v2/storage/.c":                 {200, ""},
		"/v2/../v2/account":              {301, "/v2/account"},
		"/v2//account?x=1":               {301, "/v2/account?x=1"},
		"/v2/./account":                  {301, "/v2/account"},
		"//example.com/..//example.com/": {301, "/example.com/"},
		"/v2/nothing":                    {404, ""},
	} {
		req, err := http.NewRequest("GET", srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+ann.Token)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want.status || resp.Header.Get("Location") != want.location {
			t.Errorf("%s: %d to %q, want %d to %q", path, resp.StatusCode, resp.Header.Get("Location"), want.status, want.location)
		}
	}
}
