package api

import (
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/gofrs/uuid/v5"

	"kumi/core"
	"kumi/store/fault"
)

// The errors of authentication.
var (
	errServerKeyRequired = fault.New(fault.Unauthenticated, "Server key required")
	errServerKeyInvalid  = fault.New(fault.Unauthenticated, "Server key invalid")
	errTokenRequired     = fault.New(fault.Unauthenticated, "Auth token required")
	errTokenOrKey        = fault.New(fault.Unauthenticated, "Auth token or HTTP key required")
	errTokenInvalid      = fault.New(fault.Unauthenticated, "Auth token invalid")
	errHTTPKeyInvalid    = fault.New(fault.Unauthenticated, "HTTP key invalid")
)

// authenticate checks the credentials that the row of c requires, and sets the
// caller.
func (a *Server) authenticate(c *call) (err error) {
	if c.operator != nil {
		if c.claims = c.operator.Claims; c.claims == nil && c.row.access == bySession {
			return errTokenRequired
		}
		return nil
	}
	switch c.row.access {
	case byServerKey:
		if err := a.checkServerKey(c.authorization); err != nil {
			return err
		}
		if c.row.name == "SessionRefresh" {
			return nil // its token says whose session it is
		}
		if err := a.Core.MayBegin(uuid.Nil); err != nil {
			return &reported{err}
		}
	case bySession:
		c.claims, err = a.session(c.authorization)
	}
	return err
}

// checkServerKey accepts Basic authentication with the server key as the user and any
// password. It fails with Unauthenticated.
func (a *Server) checkServerKey(authorization string) error {
	if authorization == "" {
		return errServerKeyRequired
	}
	if !a.serverKey.matchesBasic(authorization) {
		return errServerKeyInvalid
	}
	return nil
}

// session accepts a bearer token. It fails with Unauthenticated.
func (a *Server) session(authorization string) (*core.Claims, error) {
	if authorization == "" {
		return nil, errTokenRequired
	}
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return nil, errTokenInvalid
	}
	claims, err := a.Core.Tokens().VerifySession(token)
	if err != nil {
		return nil, errTokenInvalid
	}
	return claims, nil
}

// matchesBasic reports whether an Authorization header has the key as the user of
// Basic authentication.
func (k keyCheck) matchesBasic(authorization string) bool {
	if subtle.ConstantTimeCompare([]byte(authorization), k.basic) == 1 {
		return true
	}
	encoded, ok := strings.CutPrefix(authorization, "Basic ")
	if !ok {
		return false
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return false
	}
	user, _, ok := strings.Cut(string(decoded), ":")
	return ok && k.matches(user)
}

func (k keyCheck) matches(key string) bool {
	return subtle.ConstantTimeCompare([]byte(key), k.key) == 1
}
