package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/internal/testutil"
	"kumi/presence"
	"kumi/store/fault"
)

// socket is a session that keeps what it is sent.
type socket struct {
	id, user uuid.UUID
	name     string
	mu       sync.Mutex
	got      []*rtapi.Envelope
}

// connect opens a socket for a user, which receives notifications.
func (c *testCore) connect(t testing.TB, user uuid.UUID, name string) *socket {
	t.Helper()
	id, err := presence.NewSessionID(presence.NodeHash(testNode))
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{id: id, user: user, name: name}
	c.sessions.Add(s)
	t.Cleanup(func() { c.tracker.End(id, 0); c.sessions.Remove(id) })
	if _, _, err := c.tracker.Track(id, presence.NotificationsOf(user), presence.Meta{Hidden: true}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *socket) ID() uuid.UUID                                    { return s.id }
func (s *socket) UserID() uuid.UUID                                { return s.user }
func (s *socket) Username() string                                 { return s.name }
func (s *socket) Format() presence.Format                          { return presence.JSON }
func (s *socket) Close(presence.CloseReason, ...*presence.Message) {}
func (s *socket) envelopes(take func(*rtapi.Envelope) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = slices.DeleteFunc(s.got, func(e *rtapi.Envelope) bool {
		if take(e) {
			n++
			return true
		}
		return false
	})
	return n
}

func (s *socket) Send(m *presence.Message) {
	b, err := m.Bytes(presence.JSON)
	if err != nil {
		panic(err)
	}
	e := &rtapi.Envelope{}
	if err := protojson.Unmarshal(b, e); err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, e)
}

// notified takes the notifications that arrived, as "code from: subject
// content" with users by their names.
func (s *socket) notified(names map[uuid.UUID]string) (all []string) {
	s.envelopes(func(e *rtapi.Envelope) bool {
		for _, n := range e.GetNotifications().GetNotifications() {
			all = append(all, describeNotification(n, names))
		}
		return e.GetNotifications() != nil
	})
	return all
}

func describeNotification(n *api.Notification, names map[uuid.UUID]string) string {
	var content map[string]any
	_ = json.Unmarshal([]byte(n.Content), &content)
	delete(content, "group_id")
	text, _ := json.Marshal(content)
	return fmt.Sprintf("%d %s: %s %s", n.Code, names[uuid.FromStringOrNil(n.SenderId)], n.Subject, text)
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestNotificationsSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a, b := c.user(t, "a"), c.user(t, "b")
		names := map[uuid.UUID]string{a: "a", b: "b", uuid.Nil: "server"}
		first, second := c.connect(t, a, "a"), c.connect(t, a, "a")
		m := c.Module()
		send := func(n ...*runtime.NotificationSend) error { return m.NotificationsSend(ctx, n) }
		if err := send(
			&runtime.NotificationSend{UserID: a.String(), Subject: "one", Content: map[string]any{"x": 1}, Code: 1, Sender: b.String(), Persistent: true},
			&runtime.NotificationSend{UserID: a.String(), Subject: "two", Code: -1500},
			&runtime.NotificationSend{UserID: b.String(), Subject: "three", Code: 3, Persistent: true},
		); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*socket{first, second} {
			same(t, "pushed", s.notified(names), []string{`1 b: one {"x":1}`, `-1500 server: two {}`})
		}
		list, err := c.ListNotifications(ctx, a, &api.ListNotificationsRequest{Limit: wrapperspb.Int32(100)})
		if err != nil || len(list.Notifications) != 1 || !list.Notifications[0].Persistent || list.Notifications[0].Content != `{"x": 1}` {
			t.Errorf("list of a: got %v, %v; want the persistent one", list, err)
		}
		list, err = c.ListNotifications(ctx, b, &api.ListNotificationsRequest{})
		if err != nil || len(list.Notifications) != 1 || list.Notifications[0].SenderId != "" {
			t.Errorf("list of b: got %v, %v; want one without a sender", list, err)
		}

		for what, n := range map[string]*runtime.NotificationSend{
			"user":         {UserID: "x", Subject: "s", Code: 1},
			"sender":       {UserID: a.String(), Subject: "s", Code: 1, Sender: "x"},
			"subject":      {UserID: a.String(), Code: 1},
			"long subject": {UserID: a.String(), Subject: strings.Repeat("ü", 256), Code: 1},
			"code 0":       {UserID: a.String(), Subject: "s"},
			"code -1":      {UserID: a.String(), Subject: "s", Code: -1},
			"code -2001":   {UserID: a.String(), Subject: "s", Code: -2001},
			"large code":   {UserID: a.String(), Subject: "s", Code: 1 << 15},
			"zero byte":    {UserID: a.String(), Subject: "s\x00", Code: 1, Persistent: true},
		} {
			good := &runtime.NotificationSend{UserID: a.String(), Subject: "good", Code: 1, Persistent: true}
			wantCode(t, what, send(good, n), fault.InvalidArgument)
		}
		unknown := uuid.Must(uuid.NewV4()).String()
		good := &runtime.NotificationSend{UserID: a.String(), Subject: "good", Code: 1, Persistent: true}
		wantCode(t, "unknown user", send(good, &runtime.NotificationSend{UserID: unknown, Subject: "s", Code: 1, Persistent: true}), fault.NotFound)
		wantCode(t, "unknown user, transient", send(&runtime.NotificationSend{UserID: unknown, Subject: "s", Code: 1}), fault.OK)
		if got := first.notified(names); len(got) > 0 {
			t.Errorf("failed calls pushed %q", got)
		}
		if n, _, err := m.NotificationsList(ctx, a.String(), 10, ""); err != nil || len(n) != 1 {
			t.Errorf("after failed calls a has %d notifications, %v; want 1", len(n), err)
		}

		// More than one statement's worth.
		var many []*runtime.NotificationSend
		for i := range 2*notificationBatch + 7 {
			many = append(many, &runtime.NotificationSend{UserID: b.String(), Subject: fmt.Sprint(i), Code: 5, Persistent: true})
		}
		if err := send(many...); err != nil {
			t.Fatal(err)
		}
		if n, _, err := m.NotificationsList(ctx, b.String(), 1000, ""); err != nil || len(n) != len(many)+1 {
			t.Errorf("b has %d notifications, %v; want %d", len(n), err, len(many)+1)
		}
	})
}

func TestNotificationsToAll(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		c.notifyBatch = 2
		m := c.Module()
		users := map[string]uuid.UUID{}
		names := map[uuid.UUID]string{uuid.Nil: "server"}
		for i := range 5 {
			name := fmt.Sprint("user", i)
			users[name] = c.user(t, name)
		}
		on := c.connect(t, users["user3"], "user3")
		if err := m.NotificationSendAll(ctx, "now", nil, 7, false); err != nil {
			t.Fatal(err)
		}
		same(t, "transient", on.notified(names), []string{`7 server: now {}`})
		if err := m.NotificationSendAll(ctx, "kept", map[string]any{"k": "v"}, 8, true); err != nil {
			t.Fatal(err)
		}
		for name, user := range users {
			testutil.Eventually(t, "notification of "+name, func() bool {
				list, _, err := m.NotificationsList(ctx, user.String(), 10, "")
				if err != nil {
					t.Fatal(err)
				}
				return len(list) == 1 && list[0].Code == 8 && list[0].Content == `{"k": "v"}`
			})
		}
		var got []string
		testutil.Eventually(t, "the push", func() bool { got = on.notified(names); return len(got) > 0 })
		same(t, "persistent", got, []string{`8 server: kept {"k":"v"}`})
		for _, code := range []int{0, -1500} {
			wantCode(t, fmt.Sprint("code ", code), m.NotificationSendAll(ctx, "s", nil, code, true), fault.InvalidArgument)
		}
	})
}

func TestNotificationPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a := c.user(t, "a")
		m := c.Module()
		var want []string
		send := func() {
			subject := fmt.Sprint("n", len(want))
			if err := m.NotificationSend(ctx, a.String(), subject, nil, 1, "", true); err != nil {
				t.Fatal(err)
			}
			want = append(want, subject)
		}
		page := func(limit int32, cursor string) (subjects []string, next string) {
			t.Helper()
			out, err := c.ListNotifications(ctx, a, &api.ListNotificationsRequest{Limit: wrapperspb.Int32(limit), CacheableCursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			if out.CacheableCursor == "" {
				t.Error("a page has no cursor")
			}
			for _, n := range out.Notifications {
				subjects = append(subjects, n.Subject)
			}
			return subjects, out.CacheableCursor
		}
		none, cursor := page(10, "")
		same(t, "none yet", none, nil)
		for range 5 {
			send()
		}
		var got []string
		for range 4 {
			var some []string
			some, cursor = page(2, cursor)
			got = append(got, some...)
		}
		same(t, "by two", got, want)
		send()
		late, cursor := page(100, cursor)
		same(t, "what came later", late, want[5:])
		if again, after := page(1, cursor); len(again) > 0 || after != cursor {
			t.Errorf("at the end: got %q and another cursor", again)
		}

		var module []string
		for cursor := ""; ; {
			list, next, err := m.NotificationsList(ctx, a.String(), 4, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range list {
				module = append(module, n.Subject)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		same(t, "of a module", module, want)

		if out, err := c.ListNotifications(ctx, a, &api.ListNotificationsRequest{}); err != nil || len(out.Notifications) != 1 {
			t.Errorf("without limit: got %v, %v; want one", out, err)
		}
		for _, limit := range []int32{0, 101} {
			_, err := c.ListNotifications(ctx, a, &api.ListNotificationsRequest{Limit: wrapperspb.Int32(limit)})
			wantCode(t, fmt.Sprint("limit ", limit), err, fault.InvalidArgument)
		}
		_, err := c.ListNotifications(ctx, a, &api.ListNotificationsRequest{CacheableCursor: "noise"})
		wantCode(t, "bad cursor", err, fault.InvalidArgument)
		_, _, err = m.NotificationsList(ctx, a.String(), 1001, "")
		wantCode(t, "limit of a module", err, fault.InvalidArgument)
	})
}

func TestNotificationsChanged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a, b := c.user(t, "a"), c.user(t, "b")
		m := c.Module()
		ids := map[string]string{}
		for subject, user := range map[string]uuid.UUID{"one": a, "two": a, "three": a, "four": a, "other": b} {
			if err := m.NotificationSend(ctx, user.String(), subject, map[string]any{"k": 1}, 9, a.String(), true); err != nil {
				t.Fatal(err)
			}
		}
		for _, user := range []uuid.UUID{a, b} {
			list, _, err := m.NotificationsList(ctx, user.String(), 100, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range list {
				ids[n.Subject] = n.Id
			}
		}
		subject, sender := "changed", b.String()
		if err := m.NotificationsUpdate(ctx,
			runtime.NotificationUpdate{Id: ids["one"], Subject: &subject},
			runtime.NotificationUpdate{Id: ids["two"], Content: map[string]any{"new": true}, Sender: &sender},
			runtime.NotificationUpdate{Id: uuid.Must(uuid.NewV4()).String(), Subject: &subject},
		); err != nil {
			t.Fatal(err)
		}
		found, err := m.NotificationsGetId(ctx, "", []string{ids["one"], ids["two"], ids["other"]})
		if err != nil || len(found) != 3 {
			t.Fatalf("got %d notifications, %v; want 3", len(found), err)
		}
		for _, n := range found {
			got := fmt.Sprint(n.Subject, n.Content, n.Sender == b.String(), n.UserID == a.String(), n.Code)
			want := map[string]string{
				ids["one"]: "changedmap[k:1] false true 9", ids["two"]: "twomap[new:true] true true 9", ids["other"]: "othermap[k:1] false false 9",
			}[n.Id]
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if found, err := m.NotificationsGetId(ctx, b.String(), []string{ids["one"], ids["other"]}); err != nil || len(found) != 1 {
			t.Errorf("of b: got %d, %v; want 1", len(found), err)
		}
		empty := ""
		for what, u := range map[string]runtime.NotificationUpdate{
			"id": {Id: "x"}, "subject": {Id: ids["one"], Subject: &empty}, "content": {Id: ids["one"], Content: map[string]any{}}, "sender": {Id: ids["one"], Sender: &empty},
		} {
			wantCode(t, what, m.NotificationsUpdate(ctx, u), fault.InvalidArgument)
		}

		left := func(want ...string) {
			t.Helper()
			var got []string
			for subject, id := range ids {
				if n, err := m.NotificationsGetId(ctx, "", []string{id}); err != nil {
					t.Fatal(err)
				} else if len(n) > 0 {
					got = append(got, subject)
				}
			}
			slices.Sort(got)
			same(t, "left", got, want)
		}
		if err := c.DeleteNotifications(ctx, a, &api.DeleteNotificationsRequest{Ids: []string{ids["one"], ids["other"], uuid.Must(uuid.NewV4()).String()}}); err != nil {
			t.Fatal(err)
		}
		left("four", "other", "three", "two")
		wantCode(t, "bad id", c.DeleteNotifications(ctx, a, &api.DeleteNotificationsRequest{Ids: []string{"x"}}), fault.Internal)
		wantCode(t, "no id", c.DeleteNotifications(ctx, a, &api.DeleteNotificationsRequest{}), fault.OK)
		err = errors.Join(
			m.NotificationsDelete(ctx, []*runtime.NotificationDelete{{UserID: a.String(), NotificationID: ids["two"]}, {UserID: a.String(), NotificationID: ids["other"]}}),
			m.NotificationsDeleteId(ctx, b.String(), []string{ids["three"]}),
			m.NotificationsDeleteId(ctx, "", []string{ids["four"]}),
		)
		if err != nil {
			t.Fatal(err)
		}
		left("other", "three")
	})
}
