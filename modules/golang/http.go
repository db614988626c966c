package golang

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"

	"kumi/core"
	"kumi/hooks"
	"kumi/modules/httproute"
	"kumi/store/fault"
)

// RegisterHttp implements runtime.Initializer.
func (i *initializer) RegisterHttp(pathPattern string, handler func(http.ResponseWriter, *http.Request), methods ...string) error {
	return i.RegisterHttpAuth(pathPattern, httproute.AuthNone, handler, methods...)
}

// RegisterHttpAuth implements Initializer.
func (i *initializer) RegisterHttpAuth(pathPattern, auth string, handler func(http.ResponseWriter, *http.Request), methods ...string) error {
	what := "HTTP route " + strconv.Quote(pathPattern)
	rt, err := httproute.New(pathPattern, methods...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	switch auth {
	case httproute.AuthNone, httproute.AuthSession, httproute.AuthHTTPKey:
	default:
		return fault.Newf(fault.InvalidArgument, "%s: there is no authentication %q; write \"session\", \"http_key\" or nothing", what, auth)
	}
	return i.register(what, handler == nil, func() *hooks.Origin {
		c := i.call(what, "http", map[string]any{"route": pathPattern})
		rt.Auth, rt.Module, rt.Runtime, rt.Handler = auth, i.name, Runtime, c.guarded(handler)
		i.loaded.Routes = append(i.loaded.Routes, pathPattern)
		i.Into.HTTP = append(i.Into.HTTP, rt)
		return nil
	})
}

// RegisterConsoleHttp implements runtime.Initializer.
func (i *initializer) RegisterConsoleHttp(pathPattern string, handler func(http.ResponseWriter, *http.Request), methods ...string) error {
	return i.consoleHTTP(pathPattern, httproute.AuthNone, "", handler, methods)
}

// RegisterConsoleHttpAuth implements Initializer.
func (i *initializer) RegisterConsoleHttpAuth(pathPattern, right string, handler func(http.ResponseWriter, *http.Request), methods ...string) error {
	return i.consoleHTTP(pathPattern, httproute.AuthConsole, right, handler, methods)
}

func (i *initializer) consoleHTTP(pathPattern, auth, right string, handler http.HandlerFunc, methods []string) error {
	what := "console route " + strconv.Quote(pathPattern)
	rt, err := httproute.NewConsole(pathPattern, auth, right, methods...)
	if err := cmp.Or(err, core.CheckRight(right)); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return i.register(what, handler == nil, func() *hooks.Origin {
		c := i.call(what, "http", map[string]any{"route": pathPattern})
		rt.Module, rt.Runtime, rt.Handler = i.name, Runtime, c.guarded(handler)
		i.loaded.Routes = append(i.loaded.Routes, pathPattern)
		i.Into.ConsoleHTTP = append(i.Into.ConsoleHTTP, rt)
		return nil
	})
}

// guarded wraps a handler so that a panic becomes status 500.
func (c *call) guarded(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		defer func() {
			e := recover()
			if e == nil {
				return
			}
			if err, ok := e.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(e) // http.ErrAbortHandler closes the connection
			}
			c.log.Error().Str("stack", string(debug.Stack())).Msgf("%s panicked: %v", c.what, e)
			http.Error(w, "internal server error", http.StatusInternalServerError)
		}()
		h(w, req)
	}
}
