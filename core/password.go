package core

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/crypto/bcrypt"
)

// passwordCost is bcrypt's cost: about half a second per hash, so hashes are
// never computed while a transaction is open.
const passwordCost = 13

// passwords computes and compares password hashes, on at most all CPUs but
// one: a rush of log-ins must not starve the games. It may be used from any
// goroutine.
type passwords struct {
	cost  int
	turns chan struct{}
}

func newPasswords(cost int) passwords {
	if cost == 0 {
		cost = passwordCost
	}
	return passwords{cost: cost, turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))}
}

func (p passwords) turn(ctx context.Context) error {
	select {
	case p.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return failed("check the password", context.Cause(ctx))
	}
}

func (p passwords) hash(ctx context.Context, password string) ([]byte, error) {
	if err := p.turn(ctx); err != nil {
		return nil, err
	}
	defer func() { <-p.turns }()
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
	defer func() { <-p.turns }()
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword), errors.Is(err, bcrypt.ErrHashTooShort):
		return errCredentials
	}
	return failed("check the password", err)
}
