package console

import (
	"context"
	"math"
	"strings"
	"time"

	"kumi/core"
	"kumi/core/consolepb"
	"kumi/internal/trace"
	"kumi/server/logs"
)

// run makes a call of the client API or of a function of the modules, as callMethod and
// callRPC do, and says what it logged and what its time went to. Only this call is traced.
func run(ctx context.Context, v *visit, in *consolepb.RunRequest) (*consolepb.RunResponse, error) {
	call := &consolepb.CallApiEndpointRequest{Method: in.Method, Body: in.Body, UserId: in.UserId, SessionVars: in.SessionVars}
	prepare := prepareMethod
	if in.Rpc {
		prepare = prepareRPC
	}
	do, err := prepare(ctx, v, call)
	if err != nil {
		return nil, err
	}
	in.Body = call.Body // without credentials, for the audit log
	_, first := v.Lines.Last(0)
	ctx, t := trace.Begin(ctx, core.NewTraceID())
	defer t.Stop() // if it panics
	answer, err := response(do(ctx))
	split := t.End()
	if err != nil {
		return nil, err
	}
	out := &consolepb.RunResponse{
		Body: answer.Body, ErrorMessage: answer.ErrorMessage, TraceId: t.ID,
		TookMs: ms(split.Total), QueueMs: ms(split.Queue), ScriptMs: ms(split.Script), NkMs: ms(split.NK), SqlMs: ms(split.SQL),
		Functions: runParts(split.Functions), Statements: runParts(split.Statements),
	}
	lines, _, _ := v.Lines.Since(first, math.MaxInt32)
	filter := logs.All
	filter.Trace = t.ID
	for _, line := range lines {
		if e, ok := filter.Takes(line); ok {
			out.Log = append(out.Log, logEntry(e))
		}
	}
	return out, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// maxStatement is how much of a statement is shown, in bytes.
const maxStatement = 500

func runParts(parts []trace.Part) (out []*consolepb.RunResponse_Part) {
	for _, p := range parts {
		name := strings.Join(strings.Fields(p.Name), " ")
		if len(name) > maxStatement {
			name = name[:maxStatement] + "…"
		}
		out = append(out, &consolepb.RunResponse_Part{Name: strings.ToValidUTF8(name, "\ufffd"), Count: uint32(p.Count), TookMs: ms(p.Took)})
	}
	return out
}
