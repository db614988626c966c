package api

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"kumi/config"
	"kumi/internal/testutil"
)

func TestMetricsOfCalls(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(c *config.Config) { c.Metrics.Namespace = "test" })
	token := r.user("device-of-the-user")
	r.before("GetUsers", func(_ context.Context, in proto.Message) (proto.Message, error) { return in, nil })
	r.after("GetUsers", nil)
	r.rpc("Echo", echo)
	r.call("GET", "/v2/user", "", bearer(token))
	r.call("GET", "/v2/user?ids=x", "", bearer(token))
	r.call("GET", "/v2/user", "")
	r.call("POST", "/v2/rpc/echo", `"12345"`, bearer(token))
	r.call("POST", "/v2/rpc/unknown", `"12345"`, bearer(token)) // no function, no metric
	const l = `{namespace="test",node_name="nakama"`
	testutil.WantLines(t, testutil.Scrape(t, r.metrics.Handler()),
		`nakama_GetUsers_count`+l+`} 3`,
		`nakama_GetUsers_errors`+l+`} 2`,
		`nakama_GetUsers_latency_ms_count`+l+`} 3`,
		`nakama_GetUsers_latency_ms_bucket`+l+`,le="\+Inf"} 3`,
		`nakama_GetUsers_sent_bytes`+l+`} [1-9][0-9]+`,
		`nakama_count`+l+`,rpc_code="OK",rpc_id="GetUsers",transport="api"} 1`,
		`nakama_count`+l+`,rpc_code="InvalidArgument",rpc_id="GetUsers",transport="api"} 1`,
		`nakama_count`+l+`,rpc_code="Unauthenticated",rpc_id="GetUsers",transport="api"} 1`,
		`nakama_Rpc_count`+l+`,rpc_id="echo"} 1`,
		`nakama_Rpc_recv_bytes`+l+`,rpc_id="echo"} 7`,
		`nakama_Rpc_sent_bytes`+l+`,rpc_id="echo"} 19`,
		`nakama_latency_count`+l+`,rpc_code="OK",rpc_id="echo",transport="api_rpc"} 1`,
		`nakama_overall_count`+l+`} 4`,
		`nakama_overall_request_count`+l+`} 4`,
		`nakama_overall_request_errors`+l+`} 2`,
		`nakama_overall_errors`+l+`} 2`,
		`nakama_overall_message_count`+l+`} 0`,
		`nakama_before_GetUsers_count`+l+`} 2`,
		`nakama_before_GetUsers_errors`+l+`} 0`,
		`nakama_before_GetUsers_latency_count`+l+`} 2`,
		`nakama_overall_after_count`+l+`} 1`,
		`nakama_overall_after_latency_ms_count`+l+`} 1`,
		`nakama_db_max_open_conns`+l+`} [1-9][0-9]*`,
		`go_goroutines [0-9]+`,
	)
}
