package core

import (
	"errors"
	"sync"
	"time"

	"kumi/store/fault"
)

// Log-ins with a password, of players and to the console, are limited: after
// some wrong passwords there is a lockout. It is for one account from one address,
// so the owner can still log in from elsewhere. The limit per address is higher,
// because many players may share one. So is that per account from all addresses: a
// client can forge its address if there is no proxy in front of the server.
const (
	maxAccountAttempts = 5 // from one address
	maxSharedAttempts  = 100
	accountLockout     = time.Minute
	maxAddressAttempts = 100
	addressLockout     = 10 * time.Minute
	// maxAttemptEntries is the maximum number of keys; beyond it all are forgotten.
	maxAttemptEntries = 1 << 16
)

// attemptLimits are maximum numbers of wrong passwords: for an account from one address,
// for an account, and from one address.
type attemptLimits struct{ account, shared, address int }

// consoleLimits are those of the console, which few people use and hardly two from one
// address.
var (
	playerLimits  = attemptLimits{maxAccountAttempts, maxSharedAttempts, maxAddressAttempts}
	consoleLimits = attemptLimits{5, 20, 10}
)

// loginAttempts counts failed log-ins. It may be used from any goroutine.
type loginAttempts struct {
	now     func() time.Time
	limits  attemptLimits
	mu      sync.Mutex
	entries map[attemptKey]attempts
	swept   time.Time
}

// attemptKey is an account at an address, or one of the two alone.
type attemptKey struct{ account, address string }

// attempts are the failed attempts of one key. They expire when the lockout has passed
// since the last of them.
type attempts struct {
	count int
	last  time.Time
}

func (l *loginAttempts) limit(k attemptKey) (count int, lockout time.Duration) {
	switch {
	case k.account == "":
		return l.limits.address, addressLockout
	case k.address == "":
		return l.limits.shared, accountLockout
	}
	return l.limits.account, accountLockout
}

// begin counts an attempt before its password is checked, because many may run at the
// same time. It returns the function that ends the attempt with the error of the
// log-in; only errCredentials stays counted. It fails with ResourceExhausted after too
// many attempts.
func (l *loginAttempts) begin(account, address string) (end func(error), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.sweep(now)
	keys := [3]attemptKey{{account, address}, {account, ""}, {"", address}}
	for _, key := range keys {
		if limit, lockout := l.limit(key); l.current(key, now).count >= limit {
			wait := l.entries[key].last.Add(lockout).Sub(now)
			return nil, fault.Newf(fault.ResourceExhausted, "Too many failed log-in attempts, try again in %d seconds.", 1+wait/time.Second)
		}
	}
	for _, key := range keys {
		e := l.current(key, now)
		l.entries[key] = attempts{e.count + 1, now}
	}
	return func(err error) {
		if !errors.Is(err, errCredentials) {
			l.takeBack(keys, err == nil)
		}
	}, nil
}

// takeBack uncounts an attempt whose password was right or was not checked. A right
// password also resets the count of the account at that address, so that earlier
// typing errors do not lock it later.
func (l *loginAttempts) takeBack(keys [3]attemptKey, right bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if right {
		delete(l.entries, keys[0])
	}
	for _, key := range keys {
		if e, has := l.entries[key]; has && e.count > 1 {
			e.count--
			l.entries[key] = e
		} else {
			delete(l.entries, key)
		}
	}
}

// current is the entry of a key, empty once its time is over.
func (l *loginAttempts) current(key attemptKey, now time.Time) attempts {
	e := l.entries[key]
	if _, lockout := l.limit(key); now.Sub(e.last) >= lockout {
		return attempts{}
	}
	return e
}

func (l *loginAttempts) sweep(now time.Time) {
	if l.entries == nil || len(l.entries) >= maxAttemptEntries {
		l.entries = make(map[attemptKey]attempts)
	}
	if now.Sub(l.swept) < accountLockout {
		return
	}
	l.swept = now
	for key := range l.entries {
		if l.current(key, now).count == 0 {
			delete(l.entries, key)
		}
	}
}
