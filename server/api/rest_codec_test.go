package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"kumi/core"
	wire "kumi/internal/json"
	"kumi/store/fault"
)

func nilList(*core.Core, context.Context, uuid.UUID, *api.ListStorageObjectsRequest) (*api.StorageObjectList, error) {
	return nil, nil
}

func TestBindQuery(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		query string
		in    proto.Message
		want  proto.Message // nil: an error
	}{
		{"limit=5&authoritative=true&min_size=1&maxSize=2&query=%2Ba:b", &api.ListMatchesRequest{}, &api.ListMatchesRequest{
			Limit: wrapperspb.Int32(5), Authoritative: wrapperspb.Bool(true), MinSize: wrapperspb.Int32(1),
			MaxSize: wrapperspb.Int32(2), Query: wrapperspb.String("+a:b"),
		}},
		{"ids=a&ids=b&facebookIds=c", &api.GetUsersRequest{}, &api.GetUsersRequest{Ids: []string{"a", "b"}, FacebookIds: []string{"c"}}},
		{"vars[a]=b&vars[c]=d&token=t", &api.SessionRefreshRequest{}, &api.SessionRefreshRequest{Token: "t", Vars: map[string]string{"a": "b", "c": "d"}}},
		{"account.id=x&account.vars[k]=v&create=false", &api.AuthenticateDeviceRequest{}, &api.AuthenticateDeviceRequest{
			Account: &api.AccountDevice{Id: "x", Vars: map[string]string{"k": "v"}}, Create: wrapperspb.Bool(false),
		}},
		{"timestamp=2020-01-02T03:04:05Z&external=1", &api.Event{}, &api.Event{Timestamp: &timestamppb.Timestamp{Seconds: 1577934245}, External: true}},
		{"record.operator=INCREMENT&record.score=-9", &api.WriteLeaderboardRecordRequest{}, &api.WriteLeaderboardRecordRequest{
			Record: &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{Operator: api.Operator_INCREMENT, Score: -9},
		}},
		{"record.operator=3", &api.WriteLeaderboardRecordRequest{}, &api.WriteLeaderboardRecordRequest{
			Record: &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{Operator: api.Operator_INCREMENT},
		}},
		{"colour=red&colour.dark=true&query=%ff", &api.ListMatchesRequest{}, &api.ListMatchesRequest{Query: wrapperspb.String("\ufffd")}},
		{"vars.c=d", &api.SessionRefreshRequest{}, nil},
		{"ids.x=2", &api.GetUsersRequest{}, nil},
		{"minSize=1&min_size=2", &api.ListMatchesRequest{}, nil},
		{"limit=", &api.ListMatchesRequest{}, nil},
		{"limit=99999999999", &api.ListMatchesRequest{}, nil},
		{"limit=1&limit=2", &api.ListMatchesRequest{}, nil},
		{"authoritative=maybe", &api.ListMatchesRequest{}, nil},
		{"timestamp=yesterday", &api.Event{}, nil},
		{"record.operator=TIMES", &api.WriteLeaderboardRecordRequest{}, nil},
		{"vars=x", &api.SessionRefreshRequest{}, nil},
		{"account=x", &api.AuthenticateDeviceRequest{}, nil},
	} {
		query, err := url.ParseQuery(test.query)
		if err != nil {
			t.Fatal(err)
		}
		err = bindQuery(test.in, query, utilities.NewDoubleArray(nil))
		if test.want == nil {
			if fault.CodeOf(err) != fault.InvalidArgument {
				t.Errorf("%s: error %v, want InvalidArgument", test.query, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
		}
		if d := cmp.Diff(test.want, test.in, protocmp.Transform(), protocmp.IgnoreEmptyMessages()); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.query, d)
		}
	}
}

// What the path and the body give, the query does not change.
func TestQueryDoesNotOverride(t *testing.T) {
	t.Parallel()
	rt := newRouter([]*row{method("WriteLeaderboardRecord", bySession, func(*call, *api.WriteLeaderboardRecordRequest) (*api.LeaderboardRecord, error) {
		return nil, nil
	}, post("/v2/leaderboard/{leaderboard_id}", "record"))})["POST"].literal["v2"].literal["leaderboard"].param.route
	in := &api.WriteLeaderboardRecordRequest{}
	if err := bindQuery(in, url.Values{"leaderboard_id": {"x"}, "leaderboardId": {"x"}, "record.score": {"1"}}, rt.given); err != nil || proto.Size(in) != 0 {
		t.Error(in, err)
	}
}

// What is wrong with a query is told in the words that clients know.
func TestQueryErrors(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"limit=x":         `parsing field "limit": strconv.ParseInt: parsing "x": invalid syntax`,
		"limit=1&limit=2": `too many values for field "limit": 1, 2`,
	} {
		values, _ := url.ParseQuery(query)
		if err := bindQuery(&api.ListMatchesRequest{}, values, utilities.NewDoubleArray(nil)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("GET", "/v2/match", "limit=1&query=x", "")
	f.Add("PUT", "/v2/storage", "", `{"objects":[{"collection":"c","permission_read":1}]}`)
	f.Add("POST", "/v2/account/authenticate/device", "create=true&account.vars[x]=y", `{"id":"x","vars":{"a":"b"}}`)
	f.Add("POST", "/v2/account/session/refresh", "vars[", `{"token":"x"}`)
	f.Add("GET", "/v2/storage/%ff/x", "a.b.c.d=1", "")
	router := newRouter(table())
	a := &Server{maxBody: 1 << 16}
	f.Fuzz(func(t *testing.T, verb, path, query, body string) {
		var params pathParams
		rt, _ := router.find(verb, path, strings.Contains(path, "%"), &params)
		if rt == nil {
			return
		}
		req := newRequest(verb, path, query, body)
		in := rt.request()
		if _, err := a.decode(nil, req, rt, &params, in); err != nil {
			if fault.CodeOf(err) != fault.InvalidArgument || !utf8.ValidString(err.Error()) {
				t.Errorf("error %v has code %d", err, fault.CodeOf(err))
			}
			return
		}
		if out, err := appendJSON(nil, in); err == nil && !json.Valid(out) {
			t.Errorf("not JSON: %s", out)
		}
	})
}

// The hand-written encoders give what protojson gives.
func TestEncodersAgreeWithProtojson(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		when := rapid.Custom(func(t *rapid.T) *timestamppb.Timestamp {
			if rapid.Bool().Draw(t, "absent") {
				return nil
			}
			return &timestamppb.Timestamp{
				Seconds: rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"),
				Nanos:   rapid.SampledFrom([]int32{0, 1, 1000, 120000000, 123456000, 999999999}).Draw(t, "nanos"),
			}
		})
		n := rapid.Int32Range(-1, 2)
		messages := []proto.Message{
			&api.Session{Created: rapid.Bool().Draw(t, "created"), Token: text.Draw(t, "token"), RefreshToken: text.Draw(t, "refresh")},
			&api.StorageObjectAcks{Acks: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *api.StorageObjectAck {
				return &api.StorageObjectAck{
					Collection: text.Draw(t, "collection"), Key: text.Draw(t, "key"), Version: text.Draw(t, "version"),
					UserId: text.Draw(t, "user"), CreateTime: when.Draw(t, "create"), UpdateTime: when.Draw(t, "update"),
				}
			}), 0, 3).Draw(t, "acks")},
			&api.StorageObjects{Objects: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *api.StorageObject {
				return &api.StorageObject{
					Collection: text.Draw(t, "collection"), Key: text.Draw(t, "key"), UserId: text.Draw(t, "user"),
					Value: text.Draw(t, "value"), Version: text.Draw(t, "version"), PermissionRead: n.Draw(t, "read"),
					PermissionWrite: n.Draw(t, "write"), CreateTime: when.Draw(t, "create"), UpdateTime: when.Draw(t, "update"),
				}
			}), 0, 3).Draw(t, "objects")},
		}
		for _, m := range messages {
			want, err := toJSON.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			want = wire.Compact(want, 0)
			got, err := appendJSON(nil, m)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%T\n  got  %s\n  want %s (%v)", m, got, want, err)
			}
		}
	})
}

func TestEncode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   proto.Message
		want string
	}{
		{&api.FriendList{}, `{}`},
		{&api.Friend{State: wrapperspb.Int32(0), User: &api.User{Id: "a b", DisplayName: "c: \"d, e\" \\"}}, `{"user":{"id":"a b","display_name":"c: \"d, e\" \\"},"state":0}`},
		{&api.LeaderboardRecord{Score: 10, NumScore: 3}, `{"score":"10","num_score":3}`},
		{&api.Match{MatchId: "m", Size: 2, Label: wrapperspb.String("")}, `{"match_id":"m","label":"","size":2}`},
	} {
		got, err := appendJSON([]byte("x"), test.in)
		if err != nil || string(got) != "x"+test.want {
			t.Errorf("%s %v, want %s", got, err, test.want)
		}
	}
}
