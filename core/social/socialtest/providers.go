// Package socialtest has sign-in providers for tests. They answer like the real ones
// and need no network.
package socialtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"kumi/core/social"
)

// The settings that the providers expect.
const (
	AppleBundleID  = "com.example.game"
	GoogleClientID = "123456-web.apps.googleusercontent.com"
	FacebookAppID  = "1234567890"
	InstantSecret  = "secret of the instant game"
	SteamKey       = "publisher-key"
	SteamAppID     = 480
	// GoogleCredentials is the document of an OAuth client.
	GoogleCredentials = `{"web":{"client_id":"` + GoogleClientID + `","client_secret":"secret","token_uri":"https://oauth2.googleapis.com/token","redirect_uris":["https://example.com"]}}`
)

// Hosts of the providers, for Break and Requests.
const (
	Apple      = "appleid.apple.com"
	Google     = "www.googleapis.com"
	GoogleAuth = "oauth2.googleapis.com"
	Graph      = "graph.facebook.com"
	Facebook   = "www.facebook.com" // the keys of Limited Login
	Steam      = "partner.steam-api.com"
	GameCenter = "static.gc.apple.com"
	Authority  = "cacerts.digicert.com"
)

// Hang makes a provider not answer at all, see Break.
const Hang = -1

// Providers are all providers at once. It may be used from any goroutine.
type Providers struct {
	mu       sync.Mutex
	offset   time.Duration
	keys     map[string][]*signingKey // by host, the last one signs
	broken   map[string]int
	held     map[string]chan struct{}
	requests map[string]int
	friends  map[string][]string
	private  map[string]bool
	former   map[string]string
	used     map[string]bool // authorization codes
	authority
}

// New makes providers that know every player.
func New() *Providers {
	p := &Providers{
		keys: map[string][]*signingKey{}, broken: map[string]int{}, held: map[string]chan struct{}{}, requests: map[string]int{},
		friends: map[string][]string{}, private: map[string]bool{}, former: map[string]string{}, used: map[string]bool{},
	}
	p.authority = newAuthority()
	for _, host := range []string{Apple, Google, Facebook} {
		p.keys[host] = []*signingKey{newSigningKey()}
	}
	return p
}

// Options are those of a client of these providers, with all settings.
func (p *Providers) Options() social.Options {
	return social.Options{
		Transport: p, Roots: p.Roots(), Now: p.Now, Timeout: 5 * time.Second,
		AppleBundleID: AppleBundleID, GoogleCredentials: GoogleCredentials, FacebookAppID: FacebookAppID,
		FacebookInstantSecret: InstantSecret, SteamPublisherKey: SteamKey, SteamAppID: SteamAppID,
	}
}

// Flags are the settings of a server that uses these providers.
func Flags() []string {
	return []string{
		"--social.apple.bundle_id", AppleBundleID,
		"--google_auth.credentials_json", GoogleCredentials,
		"--social.facebook_limited_login.app_id", FacebookAppID,
		"--social.facebook_instant_game.app_secret", InstantSecret,
		"--social.steam.publisher_key", SteamKey,
		"--social.steam.app_id", fmt.Sprint(SteamAppID),
	}
}

// Now is the providers' clock: the real time and what Advance added.
func (p *Providers) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.offset)
}

// Advance moves the clock.
func (p *Providers) Advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offset += d
}

// Break makes a host answer with a status, or not at all with Hang; 0 repairs it.
func (p *Providers) Break(host string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken[host] = status
}

// Hold makes a host wait with its answers until release is called.
func (p *Providers) Hold(host string) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := make(chan struct{})
	p.held[host] = held
	return func() { close(held) }
}

// Requests returns how many requests a host got.
func (p *Providers) Requests(host string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[host]
}

// Friends sets the friends of a player of Facebook or Steam, by their ids.
func (p *Providers) Friends(id string, friends ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.friends[id] = friends
}

// Hide makes the friends of a player of Steam private.
func (p *Providers) Hide(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.private[id] = true
}

// Former sets an id that a player of Play Games had before.
func (p *Providers) Former(id, former string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.former[id] = former
}

// RoundTrip implements http.RoundTripper: these providers answer, whatever the address.
func (p *Providers) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Host
	p.mu.Lock()
	p.requests[host]++
	broken, held := p.broken[host], p.held[host]
	p.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	switch {
	case broken == Hang:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case broken != 0:
		return answer(req, broken, []byte("<html>broken</html>")), nil
	}
	status, body := p.answer(req)
	return answer(req, status, body), nil
}

func answer(req *http.Request, status int, body []byte) *http.Response {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	resp := w.Result()
	resp.Request = req
	return resp
}

type object = map[string]any

func (p *Providers) answer(req *http.Request) (int, []byte) {
	switch req.URL.Host + req.URL.Path {
	case Apple + "/auth/keys":
		return 200, p.jwks(Apple)
	case Google + "/oauth2/v3/certs":
		return 200, p.jwks(Google)
	case Facebook + "/.well-known/oauth/openid/jwks/":
		return 200, p.jwks(Facebook)
	case GoogleAuth + "/token":
		return p.googleToken(req)
	case Google + "/games/v1/players/me":
		return p.googlePlayer(req)
	case Graph + "/v24.0/me":
		return p.graphMe(req)
	case Graph + "/v24.0/me/friends":
		return p.graphFriends(req)
	case Steam + "/ISteamUserAuth/AuthenticateUserTicket/v1/":
		return p.steamTicket(req)
	case Steam + "/ISteamUser/GetFriendList/v1/":
		return p.steamFriends(req)
	case GameCenter + "/public-key/gc-prod-10.cer":
		return 200, p.leaf.Raw
	case GameCenter + "/public-key/moved.cer":
		return 302, nil
	case GameCenter + "/public-key/self-signed.cer":
		return 200, p.selfSigned.Raw
	case Authority + "/intermediate.crt":
		return 200, p.intermediate.Raw
	}
	return 404, []byte("{}")
}

func text(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

// GoogleCode returns an authorization code for Play Games. It can be used once.
func (p *Providers) GoogleCode(id string) string { return fmt.Sprintf("4/code-of-%s", id) }

func (p *Providers) googleToken(req *http.Request) (int, []byte) {
	code := req.FormValue("code")
	id, ok := strings.CutPrefix(code, "4/code-of-")
	p.mu.Lock()
	used := p.used[code]
	p.used[code] = true
	p.mu.Unlock()
	switch {
	case req.FormValue("client_id") != GoogleClientID || req.FormValue("client_secret") != "secret":
		return 401, text(object{"error": "invalid_client"})
	case !ok || used || req.FormValue("grant_type") != "authorization_code":
		return 400, text(object{"error": "invalid_grant"})
	}
	return 200, text(object{"access_token": "access-of-" + id, "token_type": "Bearer", "expires_in": 3599})
}

func (p *Providers) googlePlayer(req *http.Request) (int, []byte) {
	id, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer access-of-")
	if !ok {
		return 401, text(object{"error": object{"code": 401}})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	player := object{"playerId": id, "displayName": "Gamer " + id, "avatarImageUrl": "https://example.com/" + id + ".png"}
	if former := p.former[id]; former != "" {
		player["originalPlayerId"] = former
	}
	return 200, text(player)
}

// FacebookToken returns an access token.
func (p *Providers) FacebookToken(id string) string { return "EAA-token-of-" + id }

func graphUser(req *http.Request) (string, bool) {
	return strings.CutPrefix(req.FormValue("access_token"), "EAA-token-of-")
}

var graphRefused = text(object{"error": object{"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190}})

func (p *Providers) graphMe(req *http.Request) (int, []byte) {
	id, ok := graphUser(req)
	if !ok {
		return 400, graphRefused
	}
	return 200, text(object{
		"id": id, "name": "Facebook " + id, "email": id + "@facebook.example",
		"picture": object{"data": object{"url": "https://example.com/f/" + id + ".png", "width": 50}},
	})
}

// graphFriends has two friends per page.
func (p *Providers) graphFriends(req *http.Request) (int, []byte) {
	id, ok := graphUser(req)
	if !ok {
		return 400, graphRefused
	}
	p.mu.Lock()
	friends := p.friends[id]
	p.mu.Unlock()
	start := 0
	_, _ = fmt.Sscan(req.FormValue("after"), &start) // 0 without one
	page := object{"data": []object{}}
	data := []object{}
	for _, friend := range friends[min(start, len(friends)):min(start+2, len(friends))] {
		data = append(data, object{"id": friend, "name": "Facebook " + friend})
	}
	page["data"] = data
	if end := start + 2; end < len(friends) {
		page["paging"] = object{"cursors": object{"after": fmt.Sprint(end)}, "next": "https://" + Graph + "/next"}
	}
	return 200, text(page)
}

// SteamTicket returns a session ticket.
func (p *Providers) SteamTicket(id string) string { return "ticket-of-" + id }

func (p *Providers) steamTicket(req *http.Request) (int, []byte) {
	if req.FormValue("key") != SteamKey || req.FormValue("appid") != fmt.Sprint(SteamAppID) {
		return 403, []byte("<html>Forbidden</html>")
	}
	id, ok := strings.CutPrefix(req.FormValue("ticket"), "ticket-of-")
	if !ok {
		return 200, text(object{"response": object{"error": object{"errorcode": 101, "errordesc": "Invalid ticket"}}})
	}
	return 200, text(object{"response": object{"params": object{
		"result": "OK", "steamid": id, "ownersteamid": id, "vacbanned": false, "publisherbanned": false,
	}}})
}

func (p *Providers) steamFriends(req *http.Request) (int, []byte) {
	id := req.FormValue("steamid")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.private[id] {
		return 401, []byte("{}")
	}
	friends := []object{}
	for _, friend := range p.friends[id] {
		friends = append(friends, object{"steamid": friend, "relationship": "friend", "friend_since": 1})
	}
	return 200, text(object{"friendslist": object{"friends": friends}})
}
