package match

import (
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/golang-jwt/jwt/v5"
)

// tokenLife is how long a token can be used to join.
const tokenLife = 30 * time.Second

// NewToken makes a token, valid for 30 seconds, whose holders join the same
// new relayed match.
func (r *Registry) NewToken(id uuid.UUID) (string, error) {
	claims := jwt.MapClaims{"mid": id.String() + ".", "exp": time.Now().Add(tokenLife).Unix()}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(r.o.TokenKey)
}

// readToken returns the match id in a valid token.
func (r *Registry) readToken(token string) (string, bool) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return r.o.TokenKey, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	if err != nil {
		return "", false
	}
	id, ok := claims["mid"].(string)
	return id, ok
}
