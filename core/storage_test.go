package core

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/store/fault"
)

func version(value string) string {
	sum := md5.Sum([]byte(value))
	return hex.EncodeToString(sum[:])
}

func perm(n int32) *wrapperspb.Int32Value { return wrapperspb.Int32(n) }

// put writes one object as a client.
func (c *testCore) put(ctx context.Context, user uuid.UUID, o *api.WriteStorageObject) (*api.StorageObjectAck, error) {
	acks, err := c.WriteStorage(ctx, user, &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{o}})
	if err != nil {
		return nil, err
	}
	return acks.Acks[0], nil
}

// object reads one object past all permissions; nil when there is none.
func (c *testCore) object(t testing.TB, key string, owner uuid.UUID) *api.StorageObject {
	t.Helper()
	found, err := c.Module().StorageRead(t.Context(), []*runtime.StorageRead{{Collection: "c", Key: key, UserID: owner.String()}})
	if err != nil {
		t.Fatalf("read %q: %v", key, err)
	}
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// The object before each case has this value and version.
const before = `{"before":1}`

func TestStorageWriteMatrix(t *testing.T) {
	t.Parallel()
	const ok = ""
	type row struct {
		name    string
		exists  bool
		write   int32
		any     string // outcome with version ""
		none    string // with "*"
		current string // with the present version
		other   string // with another version
	}
	const verr, perr = "version check failed", "permission denied"
	client := []row{
		{"missing", false, 0, ok, ok, verr, verr},
		{"write 1", true, 1, ok, verr, ok, verr},
		{"write 0", true, 0, perr, verr, perr, perr},
	}
	module := []row{
		{"missing", false, 0, ok, ok, verr, verr},
		{"write 1", true, 1, ok, verr, ok, verr},
		{"write 0", true, 0, ok, verr, ok, verr},
	}
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		user := c.user(t, "owner")
		m := c.Module()
		for _, door := range []struct {
			name  string
			rows  []row
			write func(key, version string) error
		}{
			{"client", client, func(key, version string) error {
				_, err := c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: key, Value: `{"after":1}`, Version: version})
				return err
			}},
			{"module", module, func(key, version string) error {
				_, err := m.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: "c", Key: key, UserID: user.String(),
					Value: `{"after":1}`, Version: version, PermissionRead: 1, PermissionWrite: 1}})
				return err
			}},
		} {
			for _, r := range door.rows {
				for sent, want := range map[string]string{"": r.any, "*": r.none, version(before): r.current, version("other"): r.other} {
					what := fmt.Sprintf("%s, %s, version %q", door.name, r.name, sent)
					key := what
					if r.exists {
						_, err := m.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: "c", Key: key, UserID: user.String(),
							Value: before, PermissionRead: 1, PermissionWrite: int(r.write)}})
						if err != nil {
							t.Fatal(err)
						}
					}
					err := door.write(key, sent)
					o := c.object(t, key, user)
					if want == ok {
						if err != nil {
							t.Errorf("%s: %v", what, err)
						} else if o.GetVersion() != version(`{"after":1}`) || o.GetValue() != `{"after": 1}` {
							t.Errorf("%s: the object is %v", what, o)
						}
						continue
					}
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: got error %v, want %q", what, err, want)
					}
					sentinel := map[string]error{verr: runtime.ErrStorageRejectedVersion, perr: runtime.ErrStorageRejectedPermission}[want]
					if door.name == "client" {
						wantCode(t, what, err, fault.InvalidArgument)
						if !errors.Is(err, sentinel) {
							t.Errorf("%s: error %v is not %v", what, err, sentinel)
						}
					} else if err != sentinel {
						t.Errorf("%s: got %v, want the bare %v", what, err, sentinel)
					}
					if r.exists && o.GetVersion() != version(before) || !r.exists && o != nil {
						t.Errorf("%s: a rejected write left %v", what, o)
					}
				}
			}
		}
	})
}

func TestStorageDeleteMatrix(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		user := c.user(t, "owner")
		m := c.Module()
		for _, tc := range []struct {
			module, exists bool
			write          int
			version        string
			deleted        bool
			code           fault.Code
		}{
			{false, false, 0, "", false, fault.InvalidArgument},
			{false, false, 0, "*", false, fault.InvalidArgument},
			{false, false, 0, version(before), false, fault.InvalidArgument},
			{false, true, 1, "", true, fault.OK},
			{false, true, 1, "*", false, fault.InvalidArgument},
			{false, true, 1, version(before), true, fault.OK},
			{false, true, 1, version("other"), false, fault.InvalidArgument},
			{false, true, 0, "", false, fault.InvalidArgument},
			{false, true, 0, "*", false, fault.InvalidArgument},
			{false, true, 0, version(before), false, fault.InvalidArgument},
			{false, true, 0, version("other"), false, fault.InvalidArgument},
			{true, false, 0, "", true, fault.OK},
			{true, false, 0, version(before), true, fault.InvalidArgument},
			{true, true, 0, "", true, fault.OK},
			{true, true, 0, version(before), true, fault.OK},
			{true, true, 1, version("other"), false, fault.InvalidArgument},
		} {
			what := fmt.Sprintf("%+v", tc)
			if tc.exists {
				if _, err := m.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: "c", Key: "k", UserID: user.String(),
					Value: before, PermissionRead: 1, PermissionWrite: tc.write}}); err != nil {
					t.Fatal(err)
				}
			} else if err := m.StorageDelete(ctx, []*runtime.StorageDelete{{Collection: "c", Key: "k", UserID: user.String()}}); err != nil {
				t.Fatal(err)
			}
			var err error
			if tc.module {
				err = m.StorageDelete(ctx, []*runtime.StorageDelete{{Collection: "c", Key: "k", UserID: user.String(), Version: tc.version}})
				if err != nil && err != runtime.ErrStorageRejectedVersion {
					t.Errorf("%s: got %v", what, err)
				}
			} else {
				err = c.DeleteStorage(ctx, user, &api.DeleteStorageObjectsRequest{ObjectIds: []*api.DeleteStorageObjectId{
					{Collection: "c", Key: "k", Version: tc.version}}})
			}
			wantCode(t, what, err, tc.code)
			if gone := c.object(t, "k", user) == nil; gone != (tc.deleted || !tc.exists) {
				t.Errorf("%s: object gone %v", what, gone)
			}
		}
	})
}

func TestStorageReadMatrix(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		owner, other := c.user(t, "owner"), c.user(t, "other")
		m := c.Module()
		var writes []*runtime.StorageWrite
		for read := range 3 {
			for _, of := range []uuid.UUID{owner, uuid.Nil} {
				writes = append(writes, &runtime.StorageWrite{Collection: "c", Key: fmt.Sprint(read), UserID: of.String(), Value: before, PermissionRead: read})
			}
		}
		if _, err := m.StorageWrite(ctx, writes); err != nil {
			t.Fatal(err)
		}
		read := func(caller uuid.UUID, owner string) string {
			in := &api.ReadStorageObjectsRequest{}
			for _, key := range []string{"2", "0", "missing", "1", "2"} {
				in.ObjectIds = append(in.ObjectIds, &api.ReadStorageObjectId{Collection: "c", Key: key, UserId: owner})
			}
			out, err := c.ReadStorage(ctx, caller, in)
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, o := range out.Objects {
				keys = append(keys, o.Key)
				if want := map[string]string{"": uuid.Nil.String()}[owner]; want != "" && o.UserId != want {
					t.Errorf("object of the server has user id %q", o.UserId)
				}
			}
			return strings.Join(keys, " ")
		}
		for what, tc := range map[string]struct{ got, want string }{
			"owner":                {read(owner, owner.String()), "2 1"},
			"other client":         {read(other, owner.String()), "2"},
			"the server's objects": {read(owner, ""), "2"},
			"the nil id":           {read(owner, uuid.Nil.String()), "2"},
		} {
			if tc.got != tc.want {
				t.Errorf("%s reads %q, want %q", what, tc.got, tc.want)
			}
		}
		for read := range 3 {
			if c.object(t, fmt.Sprint(read), owner) == nil {
				t.Errorf("module code does not see an object with read %d", read)
			}
		}

		for what, id := range map[string]*api.ReadStorageObjectId{
			"no collection": {Key: "k"}, "no key": {Collection: "c"},
			"bad user id": {Collection: "c", Key: "k", UserId: "someone"},
		} {
			_, err := c.ReadStorage(ctx, owner, &api.ReadStorageObjectsRequest{ObjectIds: []*api.ReadStorageObjectId{id}})
			wantCode(t, what, err, fault.InvalidArgument)
		}
		if out, err := c.ReadStorage(ctx, owner, &api.ReadStorageObjectsRequest{}); err != nil || len(out.Objects) != 0 {
			t.Errorf("reading nothing: got %v, %v", out, err)
		}
	})
}

func TestStorageWriteRules(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		user := c.user(t, "owner")
		for what, o := range map[string]*api.WriteStorageObject{
			"no collection": {Key: "k", Value: "{}"}, "no key": {Collection: "c", Value: "{}"}, "no value": {Collection: "c", Key: "k"},
			"read 3":   {Collection: "c", Key: "k", Value: "{}", PermissionRead: perm(3)},
			"read -1":  {Collection: "c", Key: "k", Value: "{}", PermissionRead: perm(-1)},
			"write 2":  {Collection: "c", Key: "k", Value: "{}", PermissionWrite: perm(2)},
			"a list":   {Collection: "c", Key: "k", Value: "[]"},
			"a text":   {Collection: "c", Key: "k", Value: `"{}"`},
			"not JSON": {Collection: "c", Key: "k", Value: "{"},
			"two":      {Collection: "c", Key: "k", Value: "{}{}"},
		} {
			_, err := c.put(ctx, user, o)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		long := strings.Repeat("x", 129)
		for what, o := range map[string]*api.WriteStorageObject{
			"a long key":  {Collection: "c", Key: long, Value: "{}"},
			"a zero byte": {Collection: "c", Key: "k", Value: `{"a":"\u0000"}`},
			"half a pair": {Collection: "c", Key: "k", Value: `{"a":"\ud800"}`},
		} {
			_, err := c.put(ctx, user, o)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		if acks, err := c.WriteStorage(ctx, user, &api.WriteStorageObjectsRequest{}); err != nil || len(acks.Acks) != 0 {
			t.Errorf("writing nothing: got %v, %v", acks, err)
		}

		// The version is of the text as sent, the value is as JSONB shows it.
		ack, err := c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: "k", Value: ` {"bb":1,"a":2}`})
		if err != nil || ack.Version != version(` {"bb":1,"a":2}`) || ack.UserId != user.String() {
			t.Fatalf("got %v, %v", ack, err)
		}
		o := c.object(t, "k", user)
		if o.Value != `{"a": 2, "bb": 1}` || o.PermissionRead != 1 || o.PermissionWrite != 1 || o.CreateTime.GetSeconds() == 0 || o.CreateTime.GetNanos() != 0 {
			t.Errorf("got %v", o)
		}
		// The same again changes nothing, not even the time.
		again, err := c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: "k", Value: ` {"bb":1,"a":2}`})
		if err != nil || again.UpdateTime.AsTime() != ack.UpdateTime.AsTime() {
			t.Errorf("the same again: got %v, %v; want %v", again, err, ack)
		}
		// Other permissions are a change, and left out they become 1.
		if _, err := c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: "k", Value: ` {"bb":1,"a":2}`, PermissionRead: perm(2)}); err != nil {
			t.Fatal(err)
		}
		if o := c.object(t, "k", user); o.PermissionRead != 2 {
			t.Errorf("got read %d, want 2", o.PermissionRead)
		}

		// All or nothing, and the answers in the order of the request.
		batch := &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{
			{Collection: "z", Key: "1", Value: `{"n":1}`}, {Collection: "a", Key: "2", Value: `{"n":2}`}, {Collection: "c", Key: "k", Value: "{}", Version: "*"},
		}}
		_, err = c.WriteStorage(ctx, user, batch)
		wantCode(t, "one of three rejected", err, fault.InvalidArgument)
		if list, _, err := c.Module().StorageList(ctx, "", user.String(), "z", 10, ""); err != nil || len(list) != 0 {
			t.Errorf("a rejected batch left %v, %v", list, err)
		}
		batch.Objects = batch.Objects[:2]
		acks, err := c.WriteStorage(ctx, user, batch)
		if err != nil || acks.Acks[0].Version != version(`{"n":1}`) || acks.Acks[1].Version != version(`{"n":2}`) {
			t.Errorf("got %v, %v; want the answers in order", acks, err)
		}
	})
}

func TestStorageReadMany(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		const n = maxReadBatch + 70
		var writes []*runtime.StorageWrite
		var reads []*runtime.StorageRead
		var want []string
		for i := range n {
			key := fmt.Sprintf("%04d", n-i)
			writes = append(writes, &runtime.StorageWrite{Collection: "c", Key: key, Value: "{}"})
			reads = append(reads, &runtime.StorageRead{Collection: "c", Key: key})
			want = append(want, key)
		}
		if _, err := m.StorageWrite(ctx, writes); err != nil {
			t.Fatal(err)
		}
		found, err := m.StorageRead(ctx, reads)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range found {
			got = append(got, o.Key)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keys read (-want +got):\n%s", diff)
		}
	})
}
