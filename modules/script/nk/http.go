package nk

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

var httpTable = []vm.Func[*core.Module]{
	{Name: vm.N("http_request"), Body: httpRequest},
	// Several requests at the same time: a promise of one in JavaScript, a list
	// of them in Lua, which has nothing to wait with.
	{Name: vm.N("http_request_async"), Only: vm.JS, Async: true, Body: httpRequestAsync},
	{Name: vm.N("http_requests"), Only: vm.Lua, Body: httpRequests},
}

// httpArguments reads url, method, headers, body, timeout and insecure.
func httpArguments(c *vm.Call) (core.HTTPRequest, error) {
	in := core.HTTPRequest{URL: c.StrNonEmpty("url"), Method: c.StrNonEmpty("method"), Headers: c.OptStrMap("headers")}
	in.Body = string(c.OptData("body"))
	in.Timeout = time.Duration(c.OptInt("timeout", 5000)) * time.Millisecond
	in.Insecure = c.OptBool("insecure", false)
	return in, c.Err()
}

func httpRequest(nk *core.Module, c *vm.Call) error {
	in, err := httpArguments(c)
	if err != nil {
		return err
	}
	res, err := func() (*core.HTTPResponse, error) {
		defer vm.Waiting(c.Ctx)()
		return nk.HTTPRequest(c.Ctx, in)
	}()
	return httpResult(c, res, err)
}

func httpRequestAsync(nk *core.Module, c *vm.Call) error {
	in, err := httpArguments(c)
	if err != nil {
		return err
	}
	return c.Later(func(ctx context.Context) func(*vm.Call) error {
		res, err := nk.HTTPRequest(ctx, in)
		return func(c *vm.Call) error { return httpResult(c, res, err) }
	})
}

func httpResult(c *vm.Call, res *core.HTTPResponse, err error) error {
	if err != nil {
		return err
	}
	return cmp.Or(
		c.ReturnInt("code", int64(res.Code), nil),
		c.ReturnAny("headers", headers(c.E.Lang(), res.Headers), nil),
		c.ReturnStr("body", res.Body, nil))
}

const (
	maxRequests = 256 // in one call of httpRequests
	atOnce      = 32
)

var (
	nURL, nMethod, nHeaders, nBody, nTimeout, nInsecure = vm.N("url"), vm.N("method"), vm.N("headers"), vm.N("body"), vm.N("timeout"), vm.N("insecure")
)

// httpRequests sends all requests of a list at the same time and returns a list of
// {code, headers, body} in the same order, or {error, error_code} where there was no
// response.
func httpRequests(nk *core.Module, c *vm.Call) error {
	list := vm.ListOf(c, "requests", func(o vm.Obj) core.HTTPRequest {
		return core.HTTPRequest{
			URL: o.Str(&nURL), Method: o.OptStr(&nMethod, http.MethodGet), Headers: o.OptStrMap(&nHeaders), Body: o.OptStr(&nBody, ""),
			Timeout: time.Duration(o.OptInt(&nTimeout, 5000)) * time.Millisecond, Insecure: o.OptBool(&nInsecure, false),
		}
	})
	if err := c.Err(); err != nil {
		return err
	}
	if len(list) > maxRequests {
		return fault.Newf(fault.InvalidArgument, "expects at most %d requests, not %d", maxRequests, len(list))
	}
	out := make([]any, len(list))
	var all sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i, in := range list {
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			res, err := nk.HTTPRequest(c.Ctx, in)
			if err != nil {
				out[i] = map[string]any{"error": fault.Text(err), "error_code": int64(fault.CodeOf(err))}
				return
			}
			out[i] = map[string]any{"code": int64(res.Code), "headers": headers(vm.Lua, res.Headers), "body": res.Body}
		})
	}
	func() {
		defer vm.Waiting(c.Ctx)()
		all.Wait()
	}()
	return c.ReturnAny("responses", out, nil)
}

// headers are lists in JavaScript; Lua gets the first value of each.
func headers(lang vm.Lang, h http.Header) map[string]any {
	out := make(map[string]any, len(h))
	for k, vs := range h {
		if lang == vm.Lua {
			if len(vs) > 0 {
				out[k] = vs[0]
			}
			continue
		}
		list := make([]any, len(vs))
		for i, v := range vs {
			list[i] = v
		}
		out[k] = list
	}
	return out
}
