package core

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/store/fault"
)

// nakamaCursor writes a cursor as Nakama does. Its structs have other names.
func nakamaCursor(t testing.TB, encoding *base64.Encoding, position any) string {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(position); err != nil {
		t.Fatal(err)
	}
	return encoding.EncodeToString(b.Bytes())
}

type notificationCacheableCursor struct {
	NotificationID []byte
	CreateTime     int64
}

type channelMessageListCursor struct {
	StreamMode                                   uint8
	StreamSubject, StreamSubcontext, StreamLabel string
	CreateTime                                   int64
	Id                                           string
	Forward, IsNext                              bool
}

type storageListCursor struct {
	Key    string
	UserID uuid.UUID
	Read   int32
}

// A client that kept a cursor goes on with it after the move from Nakama.
func TestCursorsOfNakama(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a, b := c.user(t, "a"), c.user(t, "b")
		m := c.Module()
		id, err := m.ChannelIdBuild(ctx, a.String(), b.String(), 2)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			c.clock.Add(time.Millisecond)
			if err := m.NotificationSend(ctx, a.String(), fmt.Sprint(i), nil, 1, "", true); err != nil {
				t.Fatal(err)
			}
			if _, err := m.ChannelMessageSend(ctx, id, map[string]any{"n": i}, a.String(), "a", true); err != nil {
				t.Fatal(err)
			}
			if _, err := c.put(ctx, a, &api.WriteStorageObject{Collection: "c", Key: fmt.Sprint("k", i), Value: "{}", PermissionRead: perm(2)}); err != nil {
				t.Fatal(err)
			}
		}

		t.Run("notifications", func(t *testing.T) {
			list := func(cursor string) (subjects []string, next string) {
				t.Helper()
				out, err := c.ListNotifications(ctx, a, &api.ListNotificationsRequest{Limit: wrapperspb.Int32(2), CacheableCursor: cursor})
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range out.Notifications {
					subjects = append(subjects, n.Subject)
				}
				return subjects, out.CacheableCursor
			}
			_, own := list("")
			var at notificationPosition
			if err := at.decode(own); err != nil {
				t.Fatal(err)
			}
			got, _ := list(nakamaCursor(t, base64.RawURLEncoding, notificationCacheableCursor{at.ID.Bytes(), at.Created.UnixNano()}))
			same(t, "goes on", got, []string{"2", "3"})
			got, _ = list(nakamaCursor(t, base64.RawURLEncoding, notificationCacheableCursor{}))
			same(t, "after an empty list", got, []string{"0", "1"})
		})
		t.Run("channel", func(t *testing.T) {
			list := func(forward bool, cursor string) (*api.ChannelMessageList, []string) {
				t.Helper()
				out, err := c.ListChannelMessages(ctx, a, &api.ListChannelMessagesRequest{
					ChannelId: id, Limit: wrapperspb.Int32(2), Forward: wrapperspb.Bool(forward), Cursor: cursor,
				})
				if err != nil {
					t.Fatal(err)
				}
				var contents []string
				for _, m := range out.Messages {
					contents = append(contents, m.Content)
				}
				return out, contents
			}
			first, _ := list(true, "")
			var at messagePosition
			if err := at.decode(first.NextCursor, id, true); err != nil {
				t.Fatal(err)
			}
			on, _ := ParseChannelID(id)
			cursor := channelMessageListCursor{
				on.Mode, on.Subject.String(), on.Subcontext.String(), "", at.Created.UnixNano(), at.ID.String(), true, true,
			}
			for _, encoding := range []*base64.Encoding{base64.URLEncoding, base64.StdEncoding, base64.RawURLEncoding} {
				_, got := list(true, nakamaCursor(t, encoding, cursor))
				same(t, "goes on", got, []string{`{"n": 2}`, `{"n": 3}`})
			}
			cursor.IsNext = false
			_, got := list(true, nakamaCursor(t, base64.URLEncoding, cursor))
			same(t, "goes back", got, []string{`{"n": 0}`})
			_, err := c.ListChannelMessages(ctx, a, &api.ListChannelMessagesRequest{ChannelId: "2...lobby", Cursor: nakamaCursor(t, base64.URLEncoding, cursor)})
			wantCode(t, "the cursor of another channel", err, fault.InvalidArgument)
		})
		t.Run("storage", func(t *testing.T) {
			out, err := c.ListStorage(ctx, b, &api.ListStorageObjectsRequest{
				Collection: "c", Limit: wrapperspb.Int32(2),
				Cursor: nakamaCursor(t, base64.RawURLEncoding, storageListCursor{"k1", a, 2}),
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range out.Objects {
				got = append(got, o.Key)
			}
			same(t, "goes on", got, []string{"k2", "k3"})
		})
	})
}

func FuzzCursorOfNakama(f *testing.F) {
	f.Add(nakamaCursor(f, base64.RawURLEncoding, notificationCacheableCursor{uuid.Nil.Bytes(), 1}))
	f.Add(nakamaCursor(f, base64.StdEncoding, channelMessageListCursor{Id: uuid.Nil.String(), Forward: true}))
	f.Add(nakamaCursor(f, base64.RawURLEncoding, storageListCursor{Key: "k", Read: 1}))
	f.Fuzz(func(t *testing.T, cursor string) {
		var n notificationPosition
		if n.decode(cursor) == nil && !storable(n.Created) {
			t.Errorf("%q gives a time that cannot be stored: %s", cursor, n.Created)
		}
		var m messagePosition
		_ = m.fromNakama(cursor)
		var o objectPosition
		if o.decode(cursor) == nil && (o.Read < 0 || o.Read > 2) {
			t.Errorf("%q gives read permission %d", cursor, o.Read)
		}
	})
}

// What a cursor announces is not what it may cost: the decoder of gob allocates
// the announced length first.
func TestShortCursorCostsLittle(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"\xfc\x00\x98\x96\x00\x01\x02\x03", // ten million bytes are to follow
		"\xf8\x7f\xff\xff\xff\xff\xff\xff\xff", "\xf0\x01", "\xfe\x01", "\x7f",
		"\x01\x00\xfc\x00\x98\x96\x00", // in the second message
	} {
		if gobLengthsFit([]byte(raw)) {
			t.Errorf("%q passes as a stream of whole messages", raw)
		}
		if err := decodeNakama(base64.RawURLEncoding.EncodeToString([]byte(raw)), &nakamaStorageCursor{}); err != errCursor {
			t.Errorf("%q: %v", raw, err)
		}
	}
	var stream bytes.Buffer
	if err := gob.NewEncoder(&stream).Encode(nakamaStorageCursor{Key: strings.Repeat("k", 300)}); err != nil {
		t.Fatal(err)
	}
	if !gobLengthsFit(stream.Bytes()) {
		t.Error("a cursor of Nakama's is refused")
	}
}
