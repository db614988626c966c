package api

import (
	"context"
	"net/http"

	"github.com/gofrs/uuid/v5"

	"kumi/core"
	"kumi/server/transport"
)

// call is one request to the API. It belongs to the goroutine that serves the request.
type call struct {
	*Server
	row           *row
	ctx           context.Context
	authorization string
	// http is the request of calls over HTTP; gRPC calls have theirs in ctx.
	http *http.Request
	// operator is the call of someone who is not a client; nil for all others.
	operator *Invocation
	// claims are the caller's: from the session token, or of the session that
	// authentication started; may be nil.
	claims *core.Claims
	// The bytes of values that the call holds, see reserve: in the budget, and not yet.
	held, uncounted int
}

// reserve takes part in the budget of large responses while one is read from the
// database: until it is encoded it takes as much memory as afterwards.
func (c *call) reserve(bytes int) error {
	if c.uncounted += bytes; c.uncounted < largeFrom {
		return nil
	}
	if !c.unsent.take(c.uncounted) {
		return errTooMuchUnsent
	}
	c.held, c.uncounted = c.held+c.uncounted, 0
	return nil
}

// release gives the reserved bytes back.
func (c *call) release() {
	if c.held > 0 {
		c.unsent.give(c.held)
		c.held = 0
	}
}

// caller returns the signed-in user, or the zero id.
func (c *call) caller() uuid.UUID {
	if c.claims == nil {
		return uuid.Nil
	}
	return c.claims.UserID
}

// moduleScope returns the scope for module code. It is made only if a call has hooks.
func (c *call) moduleScope() *core.Scope {
	s := c.Scope()
	s.TraceID = traceID(c.ctx)
	s.ClientIP, s.ClientPort = c.address()
	setCaller(s, c.claims)
	if c.operator != nil {
		s.Operator = c.operator.Operator
		if c.claims == nil {
			s.Vars = c.operator.Vars
		}
	}
	return s
}

// setCaller sets the user of claims, if any, in s.
func setCaller(s *core.Scope, claims *core.Claims) {
	if claims == nil {
		return
	}
	s.UserID, s.Username = claims.UserID.String(), claims.Username
	s.Vars, s.SessionExpiry = claims.Vars, claims.ExpiresAt
}

// address returns the address of the client.
func (c *call) address() (ip, port string) {
	if c.operator != nil {
		return c.operator.Address, ""
	}
	if c.http != nil {
		return transport.HTTPClientAddress(c.http, c.Config.Socket.ProxyCount)
	}
	return transport.GRPCClientAddress(c.ctx, c.Config.Socket.ProxyCount)
}
