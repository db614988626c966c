package core

import (
	"context"
	"crypto/cipher"
	"fmt"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/protobuf/proto"

	"kumi/core/acl"
	"kumi/match"
	"kumi/store/fault"
)

// ConsoleOptions are the settings of the console.
type ConsoleOptions struct {
	// Username and Password are those of the administrator that the configuration names.
	Username, Password string
	// DefaultPassword says that Password is the documented one, which everybody knows: it
	// works from this machine only, until another one is set.
	DefaultPassword bool
	// SigningKey signs tokens. With DefaultKey it is the documented one, and a random key
	// of the database is used instead.
	SigningKey string
	DefaultKey bool
	// TokenLife is the lifetime of a token.
	TokenLife time.Duration
	// MFAKey encrypts second factors in the database; 16, 24 or 32 bytes, or none, then
	// there are no second factors. MFAForAdmin requires one of the administrator.
	MFAKey      string
	MFAForAdmin bool
	// Dev says that the server runs as kumi dev, where matches can be paused.
	Dev bool
	// NoDisplayNames turns off the search for players by display name.
	NoDisplayNames bool
	// Handlers returns the match handlers of the loaded modules.
	Handlers func() MatchHandlers
}

// MatchHandlers are the match handlers of one load of the modules.
type MatchHandlers struct {
	// Version is that of the load.
	Version string
	// Find returns the handler of a name, and Go tells whether it is one in Go.
	Find func(name string) (match.Factory, bool)
	Go   func(name string) bool
}

// Console has the operations of operators, the users of the console. Their rights are
// checked by Run, and by nothing else. It may be used from any goroutine.
type Console struct {
	*Core
	o        ConsoleOptions
	key      []byte
	parser   *jwt.Parser
	sealed   cipher.AEAD // nil: there are no second factors
	attempts loginAttempts
	table    *ownTable
	first    firstVisit
	totp     usedCodes
	sendings sendings
	replays  *replays
	changed  signal // an operator was changed or logged out
}

// NewConsole makes the operations of the console. It reads the key for tokens from the
// database if the configuration has none of its own.
func (c *Core) NewConsole(ctx context.Context, o ConsoleOptions) (*Console, error) {
	k := &Console{Core: c, o: o, key: []byte(o.SigningKey), table: newConsoleTable(), replays: newReplays()}
	k.attempts = loginAttempts{now: c.now, limits: consoleLimits}
	k.parser = newSigner("", c.now).parser
	if o.MFAKey != "" {
		var err error
		if k.sealed, err = newSeal(o.MFAKey); err != nil {
			return nil, fmt.Errorf("mfa.storage_encryption_key: %w", err)
		}
	}
	if o.DefaultKey {
		if err := k.ownKey(ctx); err != nil {
			return nil, err
		}
	}
	c.tokens.lives(int64(o.TokenLife / time.Second))
	return k, nil
}

// Close ends the replays of recordings that operators look at, and refuses further ones. It
// waits some seconds at most for a replay that is running.
func (k *Console) Close() { k.replays.close() }

// Operator is a user of the console.
type Operator struct {
	ID              uuid.UUID // zero: the administrator that the configuration names
	Username, Email string
	Rights          acl.Set
	// Basic says that the operator sent a password instead of a token.
	Basic bool
	// Until is when its token ends; zero without a token.
	Until time.Time
}

// Visitor is what is known of the sender of a call.
type Visitor struct {
	Address       string
	Authorization string // the header
	// Local says that the call comes from this machine, and not from a page of another
	// one that is open in a browser here.
	Local bool
}

// ConsoleCall is what a call needs and what is recorded of it.
type ConsoleCall struct {
	Name string
	// Right is what the operator must be allowed to do; nil: any operator may.
	Right *acl.Right
	// Resource is what a call without a Right is recorded for.
	Resource acl.Resource
	// Action is recorded in the audit log if the call succeeds; zero: nothing is.
	Action  AuditAction
	Request proto.Message
}

// Run authenticates the sender of a call, checks the right to make it, makes it, and
// records it if it changed something. It fails with Unauthenticated without valid
// credentials, ResourceExhausted after too many wrong ones, and PermissionDenied without
// the right.
func (k *Console) Run(ctx context.Context, from Visitor, call ConsoleCall, do func(context.Context, *Operator) error) error {
	op, err := k.Allow(ctx, from, call.Name, call.Right)
	if err != nil {
		return err
	}
	if err := do(ctx, op); err != nil {
		return err
	}
	if call.Action == 0 {
		return nil
	}
	return k.record(ctx, op, call)
}

// Allow authenticates a sender and checks that it has a right; nil: any operator may do
// what is named. Errors as in Run.
func (k *Console) Allow(ctx context.Context, from Visitor, name string, right *acl.Right) (*Operator, error) {
	op, err := k.identify(ctx, from)
	if err != nil {
		return nil, err
	}
	if right != nil && !op.Rights.Has(*right) {
		return nil, fault.Newf(fault.PermissionDenied, "Permission denied: %s needs the right %s.", name, right)
	}
	return op, nil
}

// OperatorsChanged returns a channel that is closed when this server changes an operator
// or ends a token: what Allow said before may not hold any more.
func (k *Console) OperatorsChanged() <-chan struct{} { return k.changed.next() }

// signal tells all who wait that something happened. The zero value is ready to use.
type signal struct {
	mu   sync.Mutex
	wait chan struct{} // nil: nobody waits
}

// next returns a channel that the next raise closes.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wait == nil {
		s.wait = make(chan struct{})
	}
	return s.wait
}

func (s *signal) raise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wait != nil {
		close(s.wait)
		s.wait = nil
	}
}

// mayGrant fails with InvalidArgument if an operator would give rights that it does not
// have.
func (o *Operator) mayGrant(rights acl.Set) error {
	if !o.Rights.Covers(rights) {
		return invalid("You cannot grant rights that you do not have.")
	}
	return nil
}
