package api

import (
	"context"
	"net/http"

	"github.com/gofrs/uuid/v5"

	"kumi/core"
	"kumi/server/door"
)

// call is one request on its way through the API. It belongs to the goroutine
// that serves the request.
type call struct {
	*Server
	row           *row
	ctx           context.Context
	authorization string
	// http is the request for calls over HTTP; gRPC calls have theirs in ctx.
	http *http.Request
	// claims are those of the caller: from the session token, or of the session
	// that an authentication began. nil without one.
	claims *core.Claims
}

// caller is the signed-in user; the zero id without one.
func (c *call) caller() uuid.UUID {
	if c.claims == nil {
		return uuid.Nil
	}
	return c.claims.UserID
}

// moduleScope says to module code who is calling. It is made for calls with
// hooks only.
func (c *call) moduleScope() *core.Scope {
	s := c.Scope()
	s.TraceID = core.NewTraceID()
	s.ClientIP, s.ClientPort = c.address()
	setCaller(s, c.claims)
	return s
}

// setCaller puts the user of claims, if any, into s.
func setCaller(s *core.Scope, claims *core.Claims) {
	if claims == nil {
		return
	}
	s.UserID, s.Username = claims.UserID.String(), claims.Username
	s.Vars, s.SessionExpiry = claims.Vars, claims.ExpiresAt
}

// address is the client's.
func (c *call) address() (ip, port string) {
	if c.http != nil {
		return door.ClientOf(c.http, c.Config.Socket.ProxyCount)
	}
	return door.ClientOfRPC(c.ctx, c.Config.Socket.ProxyCount)
}
