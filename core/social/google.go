package social

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
)

const (
	googleKeys   = "https://www.googleapis.com/oauth2/v3/certs"
	googleToken  = "https://oauth2.googleapis.com/token"
	googlePlayer = "https://www.googleapis.com/games/v1/players/me"
)

var googleIssuers = []string{"https://accounts.google.com", "accounts.google.com"}

// Google verifies an ID token, or exchanges an authorization code of Play Games
// Services for the player's profile.
func (c *Client) Google(ctx context.Context, token string) (Profile, error) {
	if token == "" {
		return Profile{}, missing("Google access token")
	}
	p, err := c.googleProfile(ctx, token)
	return p, verdict("Google", err)
}

func (c *Client) googleProfile(ctx context.Context, token string) (Profile, error) {
	if isJWT(token) {
		return c.google.verify(ctx, token, c.isGoogleClient)
	}
	if c.googleOAuth == nil {
		return Profile{}, errors.New("it is not an ID token, and authorization codes need google_auth.credentials_json")
	}
	access, err := c.exchange(ctx, token)
	if err != nil {
		return Profile{}, err
	}
	return c.playGames(ctx, access)
}

// isGoogleClient reports whether an audience is an OAuth client of the game: one
// that is configured, or another one of the same project as the credentials'. The
// number of its project is the first part of a client's id.
func (c *Client) isGoogleClient(audience string) bool {
	if c.googleOAuth == nil && len(c.GoogleClientIDs) == 0 {
		c.anyGoogleClient.Do(func() {
			c.Logger.Warn().Msg("Google ID tokens of every app are accepted: set google_auth.client_ids to those of this game")
		})
		return true
	}
	if slices.Contains(c.GoogleClientIDs, audience) {
		return true
	}
	if c.googleOAuth == nil {
		return false
	}
	project, _, _ := strings.Cut(c.googleOAuth.ClientID, "-")
	_, err := strconv.ParseUint(project, 10, 64)
	return audience == c.googleOAuth.ClientID || err == nil && strings.HasPrefix(audience, project+"-")
}

// exchange exchanges an authorization code for an access token.
func (c *Client) exchange(ctx context.Context, code string) (string, error) {
	token, err := c.googleOAuth.Exchange(context.WithValue(ctx, oauth2.HTTPClient, c.upstream.HTTP()), code)
	var refused *oauth2.RetrieveError
	switch {
	case err == nil:
		return token.AccessToken, nil
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		return "", errors.New("the authorization code is not valid, has expired or was used before")
	}
	return "", unavailable{fmt.Errorf("exchange the authorization code: %w", err)}
}

// playGames asks who an access token belongs to.
func (c *Client) playGames(ctx context.Context, access string) (Profile, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, googlePlayer, nil)
	if err != nil {
		return Profile{}, err
	}
	req.Header.Set("Authorization", "Bearer "+access)
	a, err := c.do(req)
	if err != nil {
		return Profile{}, err
	}
	var player struct {
		PlayerID         string `json:"playerId"`
		OriginalPlayerID string `json:"originalPlayerId"`
		DisplayName      string `json:"displayName"`
		AvatarImageURL   string `json:"avatarImageUrl"`
	}
	switch a.status {
	case http.StatusUnauthorized, http.StatusNotFound:
		return Profile{}, errors.New("the authorization code does not allow to read the player's Play Games profile")
	}
	if err := a.decode(&player); err != nil {
		return Profile{}, err
	}
	if player.PlayerID == "" {
		return Profile{}, errNoID
	}
	p := Profile{ID: player.PlayerID, DisplayName: player.DisplayName, AvatarURL: player.AvatarImageURL}
	if player.OriginalPlayerID != p.ID {
		p.FormerID = player.OriginalPlayerID
	}
	return p, nil
}

// readGoogleCredentials reads the JSON document that Google's console offers for
// download.
func readGoogleCredentials(text string) (*oauth2.Config, error) {
	type oauthClient struct {
		ID           string   `json:"client_id"`
		Secret       string   `json:"client_secret"`
		TokenURI     string   `json:"token_uri"`
		RedirectURIs []string `json:"redirect_uris"`
	}
	var document struct{ Web, Installed *oauthClient }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	found := document.Web
	if found == nil {
		found = document.Installed
	}
	if found == nil || found.ID == "" {
		return nil, errors.New(`it has no "web" or "installed" client with a client_id`)
	}
	config := &oauth2.Config{ClientID: found.ID, ClientSecret: found.Secret, Endpoint: oauth2.Endpoint{TokenURL: found.TokenURI}}
	if config.Endpoint.TokenURL == "" {
		config.Endpoint.TokenURL = googleToken
	}
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if len(found.RedirectURIs) > 0 {
		config.RedirectURL = found.RedirectURIs[0]
	}
	return config, nil
}
