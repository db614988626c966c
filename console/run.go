package console

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"kumi/core"
	"kumi/core/consolepb"
	"kumi/internal/trace"
	"kumi/server/api"
	"kumi/server/logs"
	"kumi/store/fault"
)

// run makes a call of the client API or of a function of the modules, as callMethod and
// callRPC do, or runs one of their hooks alone, and says what it logged and what its time
// went to. Only this call is traced.
func run(ctx context.Context, v *visit, in *consolepb.RunRequest) (*consolepb.RunResponse, error) {
	out := &consolepb.RunResponse{}
	do, err := prepareRun(ctx, v, in, out)
	if err != nil {
		return nil, err
	}
	_, first := v.Lines.Last(0)
	ctx, t := trace.Begin(ctx, core.NewTraceID())
	defer t.Stop() // if it panics
	out.Body, err = do(ctx)
	split := t.End()
	if err != nil {
		out.ErrorMessage, out.ErrorCode = api.PublicMessage(err), int32(fault.CodeOf(err))
		var script interface{ Trace() string }
		if errors.As(err, &script) {
			out.ErrorStack = strings.ToValidUTF8(script.Trace(), "\ufffd")
		}
	}
	out.TraceId = t.ID
	out.TookMs, out.QueueMs, out.ScriptMs, out.NkMs, out.SqlMs = ms(split.Total), ms(split.Queue), ms(split.Script), ms(split.NK), ms(split.SQL)
	out.Functions, out.Statements = runParts(split.Functions), runParts(split.Statements)
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

// prepareRun prepares what is to run, and takes credentials out of the request, which the
// audit log gets. A hook says in out what it did.
func prepareRun(ctx context.Context, v *visit, in *consolepb.RunRequest, out *consolepb.RunResponse) (prepared, error) {
	if in.Hook != "" {
		return prepareHook(ctx, v, in, out)
	}
	call := runCall(in)
	prepare := prepareMethod
	if in.Rpc {
		prepare = prepareRPC
	}
	do, err := prepare(ctx, v, call)
	in.Body = call.Body
	return do, err
}

// runCall is the call of a request to run something.
func runCall(in *consolepb.RunRequest) *consolepb.CallApiEndpointRequest {
	return &consolepb.CallApiEndpointRequest{Method: in.Method, Body: in.Body, UserId: in.UserId, SessionVars: in.SessionVars}
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
