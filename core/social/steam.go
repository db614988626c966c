package social

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

const steamAPI = "https://partner.steam-api.com"

// ErrSteamPrivate is the error of SteamFriends for a player who hides them.
var ErrSteamPrivate = errors.New("the Steam friends of the player are private")

// SteamConfigured reports an error if there is no publisher key or app id.
func (c *Client) SteamConfigured() error {
	if c.SteamPublisherKey == "" || c.SteamAppID == 0 {
		return unconfigured("Steam")
	}
	return nil
}

// Steam returns the player of a session ticket, in hexadecimal digits as the game
// got it from Steam.
func (c *Client) Steam(ctx context.Context, ticket string) (Profile, error) {
	if err := c.SteamConfigured(); err != nil {
		return Profile{}, err
	}
	if ticket == "" {
		return Profile{}, missing("Steam access token")
	}
	p, err := c.steamProfile(ctx, ticket)
	return p, verdict("Steam", err)
}

func (c *Client) steamProfile(ctx context.Context, ticket string) (Profile, error) {
	a, err := c.get(ctx, steamAPI+"/ISteamUserAuth/AuthenticateUserTicket/v1/", url.Values{
		"format": {"json"}, "key": {c.SteamPublisherKey}, "appid": {strconv.Itoa(c.SteamAppID)}, "ticket": {ticket},
	})
	if err != nil {
		return Profile{}, err
	}
	if a.status == http.StatusBadRequest {
		return Profile{}, errors.New("Steam does not accept the ticket")
	}
	var found struct {
		Response struct {
			Params *struct{ Result, SteamID string }
			Error  *struct {
				ErrorCode int
				ErrorDesc string
			}
		}
	}
	if err := a.decode(&found); err != nil {
		return Profile{}, err
	}
	switch r := found.Response; {
	case r.Error != nil:
		return Profile{}, fmt.Errorf("Steam says: %s (%d)", r.Error.ErrorDesc, r.Error.ErrorCode)
	case r.Params == nil || r.Params.Result != "" && r.Params.Result != "OK":
		return Profile{}, errors.New("Steam does not accept the ticket")
	case !isSteamID(r.Params.SteamID):
		return Profile{}, errNoID
	default:
		return Profile{ID: r.Params.SteamID}, nil
	}
}

// SteamFriends returns the Steam ids of a player's friends, or ErrSteamPrivate.
func (c *Client) SteamFriends(ctx context.Context, id string) ([]string, error) {
	ids, err := c.steamFriends(ctx, id)
	if errors.Is(err, ErrSteamPrivate) {
		return nil, err
	}
	return ids, verdict("Steam", err)
}

func (c *Client) steamFriends(ctx context.Context, id string) ([]string, error) {
	a, err := c.get(ctx, steamAPI+"/ISteamUser/GetFriendList/v1/", url.Values{
		"format": {"json"}, "key": {c.SteamPublisherKey}, "steamid": {id}, "relationship": {"friend"},
	})
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusUnauthorized {
		return nil, ErrSteamPrivate
	}
	var found struct {
		FriendsList struct {
			Friends []struct{ SteamID string }
		}
	}
	if err := a.decode(&found); err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(found.FriendsList.Friends))
	for _, friend := range found.FriendsList.Friends {
		ids = append(ids, friend.SteamID)
	}
	return ids, nil
}

// isSteamID reports whether a text is a 64-bit number other than zero, as the
// reference writes it.
func isSteamID(text string) bool {
	n, err := strconv.ParseUint(text, 10, 64)
	return err == nil && n != 0 && strconv.FormatUint(n, 10) == text
}
