package core

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"golang.org/x/crypto/bcrypt"

	"kumi/presence"
	"kumi/store"
	"kumi/store/fault"
	"kumi/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// testConfig is a runtime.Config with what core reads of it.
type testConfig struct {
	runtime.Config
	testSession
	testStores
}

func (c *testConfig) GetSession() runtime.SessionConfig { return &c.testSession }

type testSession struct {
	runtime.SessionConfig
	single bool
}

func (*testSession) GetEncryptionKey() string        { return "session key of the tests" }
func (*testSession) GetRefreshEncryptionKey() string { return "refresh key of the tests" }
func (*testSession) GetTokenExpirySec() int64        { return 60 }
func (*testSession) GetRefreshTokenExpirySec() int64 { return 3600 }
func (s *testSession) GetSingleSession() bool        { return s.single }

// clock is a time that only moves when it is told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const testNode = "node of the tests"

// testCore is a core over a database with everything that is slow made fast.
type testCore struct {
	*Core
	clock    *clock
	config   *testConfig
	sessions *presence.Sessions
	tracker  *presence.Tracker
}

func newTestCore(t testing.TB, db *store.DB) *testCore {
	t.Helper()
	c := &testCore{clock: newClock(), config: &testConfig{}, sessions: presence.NewSessions()}
	c.tracker = presence.NewTracker(presence.TrackerOptions{Node: testNode, Sessions: c.sessions})
	c.Core = New(Options{
		DB: db, Config: c.config, Sessions: c.sessions, ModulesPath: t.TempDir(),
		Tracker: c.tracker, Router: presence.NewRouter(c.tracker),
		Now: c.clock.Now, PasswordCost: bcrypt.MinCost,
	})
	t.Cleanup(c.tracker.Close)
	t.Cleanup(c.Core.Close)
	return c
}

// user makes an account that logs in with the device "device-of-<name>".
func (c *testCore) user(t testing.TB, name string) uuid.UUID {
	t.Helper()
	id, err := c.AuthenticateDevice(t.Context(), "device-of-"+name, name, true)
	if err != nil {
		t.Fatalf("make user %q: %v", name, err)
	}
	return id.UserID
}

// wantCode fails the test unless err has the code; OK means no error.
func wantCode(t testing.TB, what string, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: got code %d (%v), want %d", what, got, err, want)
	}
}

// each runs a test on a core over each database.
func each(t *testing.T, test func(t *testing.T, ctx context.Context, c *testCore)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, t.Context(), newTestCore(t, db)) })
}

func hs256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
