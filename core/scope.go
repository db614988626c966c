package core

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"sync/atomic"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/satori"
	"kumi/internal/random"
)

// Scope is the context that module code runs in: what a Go module reads from
// its context under the runtime.RUNTIME_CTX_ keys, and a script from its ctx
// argument. It is made once per call (for a socket once per session) and
// immutable.
type Scope struct {
	Env           map[string]string // shared, must not be modified
	Mode          string            // "rpc", "before", "match", … ; see WithMode
	Node, Version string
	// ModuleVersion identifies the load of the modules; empty if no module runs. Calls
	// into scripts use the script's version.
	ModuleVersion string

	// UserID is empty for server-to-server calls, which is how modules recognize them.
	UserID, Username string
	Vars             map[string]string
	SessionExpiry    int64 // Unix seconds

	SessionID, Lang      string // only for calls that came over a socket
	ClientIP, ClientPort string
	Headers, QueryParams map[string][]string // only for RPCs over HTTP and gRPC
	Operator             string              // name of the console's user, for calls from the console
	TraceID              string              // empty where calls have one each, see WithTrace

	// Match fields; MatchLabel and MatchTickRate are absent until the handler's init
	// has returned, see HasMatchState.
	MatchID, MatchNode, MatchLabel string
	MatchTickRate                  int
	HasMatchState                  bool
}

// ModuleVersionKey is the context key of Scope.ModuleVersion for Go modules.
const ModuleVersionKey = "module_version"

// OperatorKey is the context key of Scope.Operator for Go modules.
const OperatorKey = "operator"

// scoped is a context that carries a Scope and answers the RUNTIME_CTX_ keys from
// its fields. With context.WithValue it would take an allocation, and a step of
// every lookup, for each of the twenty keys of a call.
type scoped struct {
	context.Context
	scope *Scope
	mode  string
	trace *trace // of WithTrace, else nil
	// satori is what the call has read from Satori; nil until it does.
	satori atomic.Pointer[satori.Cache]
}

// trace is a trace id that is made when it is first asked for.
type trace struct {
	once sync.Once
	id   string
}

func (t *trace) get() string {
	t.once.Do(func() { t.id = NewTraceID() })
	return t.id
}

type scopeKey struct{}

// WithScope returns a context that carries s, with the mode of s.
func WithScope(ctx context.Context, s *Scope) context.Context {
	return &scoped{Context: ctx, scope: s, mode: s.Mode}
}

// WithMode returns a context that carries s with another mode. s is not
// modified.
func WithMode(ctx context.Context, s *Scope, mode string) context.Context {
	return &scoped{Context: ctx, scope: s, mode: mode}
}

// WithTrace is WithMode for one of many calls that share a Scope, as those of a
// session do: each has a trace id of its own.
func WithTrace(ctx context.Context, s *Scope, mode string) context.Context {
	c := &struct {
		scoped
		trace
	}{scoped: scoped{Context: ctx, scope: s, mode: mode}}
	c.scoped.trace = &c.trace
	return &c.scoped
}

// TraceID is the id that tells the call of ctx apart in logs; empty where there is
// none, as in matches.
func TraceID(ctx context.Context) string {
	id, _ := ctx.Value(runtime.RUNTIME_CTX_TRACE_ID).(string)
	return id
}

// NewTraceID makes a trace id: 32 hex digits. It is no secret.
func NewTraceID() string {
	var id [16]byte
	binary.NativeEndian.PutUint64(id[:8], random.Uint64())
	binary.NativeEndian.PutUint64(id[8:], random.Uint64())
	return hex.EncodeToString(id[:])
}

// ScopeOf returns the Scope that a context carries, or nil, and its mode.
func ScopeOf(ctx context.Context) (s *Scope, mode string) {
	if c, ok := ctx.(*scoped); ok {
		return c.scope, c.mode
	}
	if c, ok := ctx.Value(scopeKey{}).(*scoped); ok {
		return c.scope, c.mode
	}
	return nil, ""
}

// Value implements context.Context. Keys are plain strings, as in
// nakama-common; values that do not apply are nil.
func (c *scoped) Value(key any) any {
	name, ok := key.(string)
	if !ok {
		switch key {
		case scopeKey{}:
			return c
		case satori.CacheKey{}:
			return c.satoriCache()
		}
		return c.Context.Value(key)
	}
	s := c.scope
	switch name {
	case runtime.RUNTIME_CTX_ENV:
		return s.Env
	case runtime.RUNTIME_CTX_MODE:
		return c.mode
	case runtime.RUNTIME_CTX_NODE:
		return s.Node
	case runtime.RUNTIME_CTX_VERSION:
		return s.Version
	case ModuleVersionKey:
		return present(s.ModuleVersion, s.ModuleVersion != "")
	case OperatorKey:
		return present(s.Operator, s.Operator != "")
	case runtime.RUNTIME_CTX_HEADERS:
		return present(s.Headers, s.Headers != nil)
	case runtime.RUNTIME_CTX_QUERY_PARAMS:
		return present(s.QueryParams, s.QueryParams != nil)
	case runtime.RUNTIME_CTX_USER_ID:
		return present(s.UserID, s.UserID != "")
	case runtime.RUNTIME_CTX_USERNAME:
		return present(s.Username, s.UserID != "")
	case runtime.RUNTIME_CTX_VARS:
		if s.Vars == nil && s.UserID != "" {
			return map[string]string{}
		}
		return present(s.Vars, s.UserID != "")
	case runtime.RUNTIME_CTX_USER_SESSION_EXP:
		return present(s.SessionExpiry, s.UserID != "")
	case runtime.RUNTIME_CTX_SESSION_ID:
		return present(s.SessionID, s.SessionID != "")
	case runtime.RUNTIME_CTX_LANG:
		return present(s.Lang, s.Lang != "")
	case runtime.RUNTIME_CTX_CLIENT_IP:
		return present(s.ClientIP, s.ClientIP != "")
	case runtime.RUNTIME_CTX_CLIENT_PORT:
		return present(s.ClientPort, s.ClientPort != "")
	case runtime.RUNTIME_CTX_MATCH_ID:
		return present(s.MatchID, s.MatchID != "")
	case runtime.RUNTIME_CTX_MATCH_NODE:
		return present(s.MatchNode, s.MatchID != "")
	case runtime.RUNTIME_CTX_MATCH_LABEL:
		return present(s.MatchLabel, s.HasMatchState)
	case runtime.RUNTIME_CTX_MATCH_TICK_RATE:
		return present(s.MatchTickRate, s.HasMatchState)
	case runtime.RUNTIME_CTX_TRACE_ID:
		switch {
		case s.TraceID != "":
			return s.TraceID
		case c.trace != nil:
			return c.trace.get()
		}
	}
	return c.Context.Value(key)
}

// satoriCache returns the cache of this call.
func (c *scoped) satoriCache() *satori.Cache {
	if cache := c.satori.Load(); cache != nil {
		return cache
	}
	c.satori.CompareAndSwap(nil, new(satori.Cache))
	return c.satori.Load()
}

func present[T any](v T, ok bool) any {
	if !ok {
		return nil
	}
	return v
}
