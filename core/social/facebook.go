package social

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

const (
	facebookGraph = "https://graph.facebook.com/v24.0"
	facebookKeys  = "https://www.facebook.com/.well-known/oauth/openid/jwks/"
)

var facebookIssuers = []string{"https://www.facebook.com", "https://facebook.com", "https://limited.facebook.com"}

// maxFriendPages limits the requests for one player's friends, of 500 each.
const maxFriendPages = 20

// Facebook returns the player of an access token, or of an ID token of Limited
// Login. limited tells the latter, which cannot be used to ask for friends.
func (c *Client) Facebook(ctx context.Context, token string) (p Profile, limited bool, err error) {
	if token == "" {
		return Profile{}, false, missing("Facebook access token")
	}
	if isJWT(token) {
		if c.FacebookAppID == "" {
			err = errors.New("it is a token of Limited Login, which needs social.facebook_limited_login.app_id")
		} else {
			p, err = c.facebook.verify(ctx, token, only(c.FacebookAppID))
		}
		return p, true, verdict("Facebook", err)
	}
	p, err = c.facebookProfile(ctx, token)
	return p, false, verdict("Facebook", err)
}

func (c *Client) facebookProfile(ctx context.Context, token string) (Profile, error) {
	var me struct {
		ID, Name, Email string
		Picture         struct{ Data struct{ URL string } }
	}
	if err := c.graph(ctx, "/me", url.Values{"access_token": {token}, "fields": {"id,name,email,picture"}}, &me); err != nil {
		return Profile{}, err
	}
	if me.ID == "" {
		return Profile{}, errNoID
	}
	return Profile{ID: me.ID, DisplayName: me.Name, AvatarURL: me.Picture.Data.URL, Email: me.Email}, nil
}

// FacebookFriends returns the ids of the player's friends who play the game too.
func (c *Client) FacebookFriends(ctx context.Context, token string) ([]string, error) {
	if token == "" {
		return nil, missing("Facebook token")
	}
	if isJWT(token) {
		return nil, verdict("Facebook", errors.New("a token of Limited Login cannot be used to import friends"))
	}
	ids, err := c.facebookFriends(ctx, token)
	return ids, verdict("Facebook", err)
}

func (c *Client) facebookFriends(ctx context.Context, token string) (ids []string, err error) {
	query := url.Values{"access_token": {token}, "fields": {"id"}, "limit": {"500"}}
	for range maxFriendPages {
		var page struct {
			Data   []struct{ ID string }
			Paging struct {
				Cursors struct{ After string }
				Next    string
			}
		}
		if err := c.graph(ctx, "/me/friends", query, &page); err != nil {
			return nil, err
		}
		for _, friend := range page.Data {
			ids = append(ids, friend.ID)
		}
		after := page.Paging.Cursors.After
		if page.Paging.Next == "" || after == "" || after == query.Get("after") {
			return ids, nil
		}
		query.Set("after", after)
	}
	return ids, nil
}

// graph reads from the Graph API.
func (c *Client) graph(ctx context.Context, path string, query url.Values, into any) error {
	a, err := c.get(ctx, facebookGraph+path, query)
	if err != nil {
		return err
	}
	if a.status == http.StatusOK {
		return a.decode(into)
	}
	var refused struct {
		Error struct {
			Message     string
			Code        int
			IsTransient bool `json:"is_transient"`
		}
	}
	if err := json.Unmarshal(a.body, &refused); err != nil || refused.Error.Code == 0 || a.status >= 500 ||
		refused.Error.IsTransient || slices.Contains(facebookTransient, refused.Error.Code) {
		return a.unexpected()
	}
	return fmt.Errorf("Facebook says: %s", refused.Error.Message)
}

// facebookTransient are the codes of the Graph API for failures of its own and for
// limits of calls.
var facebookTransient = []int{1, 2, 4, 17, 32, 341, 613}
