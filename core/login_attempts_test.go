package core

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kumi/store/fault"
)

func TestLogInsAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		if _, err := c.LogInByEmail(ctx, "1.1.1.1", "ann@example.com", "her password", "ann", true); err != nil {
			t.Fatal(err)
		}
		try := func(what, address, password string, want fault.Code) {
			t.Helper()
			_, err := c.LogInByEmail(ctx, address, "ANN@example.com", password, "", false)
			wantCode(t, what, err, want)
		}
		for range 20 {
			try("right", "1.1.1.1", "her password", fault.OK)
		}
		for range 3 { // a right one ends the count of those before
			for range maxAccountAttempts - 1 {
				try("wrong", "1.1.1.1", "a wrong one", fault.Unauthenticated)
			}
			try("right after some", "1.1.1.1", "her password", fault.OK)
		}
		for range maxAccountAttempts {
			try("wrong", "1.1.1.1", "a wrong one", fault.Unauthenticated)
		}
		try("wrong once more", "1.1.1.1", "a wrong one", fault.ResourceExhausted)
		try("right, but locked", "1.1.1.1", "her password", fault.ResourceExhausted)
		try("right, from elsewhere", "2.2.2.2", "her password", fault.OK)
		c.clock.Add(accountLockout)
		try("right, after a while", "1.1.1.1", "her password", fault.OK)

		// Another account, by name, from an address that tries many.
		for i := range maxAddressAttempts {
			_, err := c.LogInByEmail(ctx, "3.3.3.3", fmt.Sprintf("nobody%d@example.com", i), "a wrong one", "", false)
			wantCode(t, "nobody", err, fault.NotFound) // not a wrong password
		}
		for i := range maxAddressAttempts {
			end, err := c.attempts.begin(fmt.Sprint("name", i), "3.3.3.3")
			if err != nil {
				t.Fatal(i, err)
			}
			end(errCredentials)
		}
		try("from an address with too many", "3.3.3.3", "her password", fault.ResourceExhausted)
		c.clock.Add(addressLockout)
		try("after a while", "3.3.3.3", "her password", fault.OK)
		if n := len(c.attempts.entries); n > 3 {
			t.Errorf("%d entries are kept after their time", n)
		}

		// Attempts at the same time count, too, and so do addresses that are made up.
		var wrong, refused atomic.Int32
		var all sync.WaitGroup
		for i := range 3 * maxSharedAttempts {
			all.Go(func() {
				end, err := c.attempts.begin("ben", fmt.Sprint(i%200))
				if err != nil {
					refused.Add(1)
					return
				}
				wrong.Add(1)
				end(errCredentials)
			})
		}
		all.Wait()
		if wrong.Load() != maxSharedAttempts || refused.Load() != 2*maxSharedAttempts {
			t.Errorf("%d attempts and %d refused, want %d attempts", wrong.Load(), refused.Load(), maxSharedAttempts)
		}
	})
}

// Of many hashes few are computed at a time, few wait, and who waits gives up
// when its call is over.
func TestPasswordsWaitInABoundedQueue(t *testing.T) {
	t.Parallel()
	p := newPasswords(4)
	for range cap(p.turns) {
		if err := p.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := p.hash(ctx, "password")
	wantCode(t, "late", err, fault.DeadlineExceeded)

	waiting, stop := context.WithCancel(t.Context())
	results := make(chan error)
	queue := cap(p.waiting) - cap(p.turns)
	for range queue + 5 {
		go func() { results <- p.check(waiting, []byte("x"), "password") }()
	}
	for range 5 {
		wantCode(t, "one too many", <-results, fault.ResourceExhausted)
	}
	stop()
	for range queue {
		wantCode(t, "given up", <-results, fault.Canceled)
	}
	for range cap(p.turns) {
		p.release()
	}
	if _, err := p.hash(t.Context(), "password"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
