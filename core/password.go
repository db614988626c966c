package core

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/crypto/bcrypt"

	"kumi/store/fault"
)

// passwordCost is bcrypt's cost: about half a second per hash, so hashes are
// never computed while a transaction is open.
const passwordCost = 13

// passwords computes and compares password hashes, on at most all CPUs but
// one: a rush of log-ins must not starve the games. It may be used from any
// goroutine.
type passwords struct {
	cost    int
	turns   chan struct{}
	waiting chan struct{}
}

// maxPasswordQueue is how many hashes may wait for each that is computed, about
// as many as are done before their calls end.
const maxPasswordQueue = 16

// maxBcryptCost bounds the hashes that scripts compare with, each of which is
// several seconds of work that cannot be interrupted.
const maxBcryptCost = 16

var errPasswordQueue = fault.New(fault.ResourceExhausted, "Too many log-ins at the moment, try again later.")

func newPasswords(cost int) passwords {
	if cost == 0 {
		cost = passwordCost
	}
	n := max(1, runtime.GOMAXPROCS(0)-1)
	return passwords{cost: cost, turns: make(chan struct{}, n), waiting: make(chan struct{}, n*(1+maxPasswordQueue))}
}

// turn waits for the right to compute a hash; release gives it back. It is
// ResourceExhausted when too many wait already, and fails when ctx ends first.
func (p passwords) turn(ctx context.Context) error {
	select {
	case p.waiting <- struct{}{}:
	default:
		return errPasswordQueue
	}
	select {
	case p.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-p.waiting
		return failed("hash the password", context.Cause(ctx))
	}
}

func (p passwords) release() {
	<-p.turns
	<-p.waiting
}

func (p passwords) hash(ctx context.Context, password string) ([]byte, error) {
	if err := p.turn(ctx); err != nil {
		return nil, err
	}
	defer p.release()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), p.cost)
	if err != nil {
		return nil, failed("hash the password", err)
	}
	return hash, nil
}

// check returns errCredentials if the password does not match. An empty hash
// is an account without a password.
func (p passwords) check(ctx context.Context, hash []byte, password string) error {
	if len(hash) == 0 {
		return errCredentials
	}
	if err := p.turn(ctx); err != nil {
		return err
	}
	defer p.release()
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword), errors.Is(err, bcrypt.ErrHashTooShort):
		return errCredentials
	}
	return failed("check the password", err)
}

// checkNothing takes as long as check for an account that does not exist, so that the
// time does not tell which exist, and returns errCredentials.
func (p passwords) checkNothing(ctx context.Context, password string) error {
	if err := p.turn(ctx); err != nil {
		return err
	}
	defer p.release()
	// It fails for a password that is longer than any.
	_, _ = bcrypt.GenerateFromPassword([]byte(password), p.cost)
	return errCredentials
}

// BcryptHash hashes for scripts, with bcrypt's default cost. It waits for a
// processor as log-ins do. Errors: InvalidArgument for more than 72 bytes,
// ResourceExhausted when too many wait, and when ctx ends first.
func (m *Module) BcryptHash(ctx context.Context, plain []byte) ([]byte, error) {
	p := m.core.passwords
	if err := p.turn(ctx); err != nil {
		return nil, err
	}
	defer p.release()
	hash, err := bcrypt.GenerateFromPassword(plain, bcrypt.DefaultCost)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, "error hashing input: "+err.Error(), err)
	}
	return hash, nil
}

// BcryptCompare reports whether a hash is that of plain; see BcryptHash. A hash
// that is not bcrypt's or has a cost over 16 is InvalidArgument, one that is too
// short matches nothing.
func (m *Module) BcryptCompare(ctx context.Context, hash, plain []byte) (bool, error) {
	if cost, err := bcrypt.Cost(hash); err == nil && cost > maxBcryptCost {
		return false, invalid("error comparing hash and plaintext: a hash of cost %d takes too long; the maximum is %d", cost, maxBcryptCost)
	}
	p := m.core.passwords
	if err := p.turn(ctx); err != nil {
		return false, err
	}
	defer p.release()
	switch err := bcrypt.CompareHashAndPassword(hash, plain); {
	case err == nil:
		return true, nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword), errors.Is(err, bcrypt.ErrHashTooShort):
		return false, nil
	default:
		return false, fault.Wrap(fault.InvalidArgument, "error comparing hash and plaintext: "+err.Error(), err)
	}
}
