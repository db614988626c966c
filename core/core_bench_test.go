package core

import (
	"fmt"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/store/storetest"
)

func BenchmarkVerifySession(b *testing.B) {
	tokens, clock := newTestTokens()
	token, _, _, err := tokens.pair(testClaims(clock.Now()))
	if err != nil {
		b.Fatal(err)
	}
	tokens.revokeAll(uuid.Nil) // so that revocations are looked at
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := tokens.VerifySession(token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			tokens.cache.remove(token)
			if _, err := tokens.VerifySession(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAuthenticateDeviceExisting(b *testing.B) {
	c := newTestCore(b, storetest.SQLite(b))
	c.user(b, "someone")
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		id, err := c.AuthenticateDevice(ctx, "device-of-someone", "", true)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := c.StartSession(ctx, id, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStorage(b *testing.B) {
	c := newTestCore(b, storetest.SQLite(b))
	user := c.user(b, "someone")
	ctx := b.Context()
	for _, n := range []int{1, 8} {
		write, read := &api.WriteStorageObjectsRequest{}, &api.ReadStorageObjectsRequest{}
		for i := range n {
			key := fmt.Sprint("key", i)
			write.Objects = append(write.Objects, &api.WriteStorageObject{Collection: "c", Key: key})
			read.ObjectIds = append(read.ObjectIds, &api.ReadStorageObjectId{Collection: "c", Key: key, UserId: user.String()})
		}
		b.Run(fmt.Sprint("write/", n), func(b *testing.B) {
			b.ReportAllocs()
			for turn := 0; b.Loop(); turn++ {
				for _, o := range write.Objects {
					o.Value = fmt.Sprintf(`{"level":%d,"items":["sword","shield"],"position":{"x":1.5,"y":-2}}`, turn)
				}
				if _, err := c.WriteStorage(ctx, user, write); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprint("read/", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				out, err := c.ReadStorage(ctx, user, read)
				if err != nil || len(out.Objects) != n {
					b.Fatal(out, err)
				}
			}
		})
	}
}
