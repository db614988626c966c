package testkit

import (
	"bufio"
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"kumi/vm"
)

// serverTable is the global variable server.
var serverTable = []vm.Func[*host]{
	{Name: vm.N("player"), Async: true, Body: func(h *host, c *vm.Call) error {
		name := c.StrNonEmpty("name")
		if err := c.Err(); err != nil {
			return err
		}
		var p *player
		return h.later(c, func() (err error) {
			p, err = h.player(name)
			return err
		}, func(c *vm.Call) error {
			obj, err := playerObject(c.E, p)
			return c.ReturnRef("player", obj, err)
		})
	}},
	{Name: vm.N("players"), Async: true, Body: func(h *host, c *vm.Call) error {
		n := c.Int("n")
		prefix := c.OptStr("prefix", "player")
		if n < 1 || n > maxPlayers {
			c.Fail(0, "n", "expected a number from 1 to "+strconv.Itoa(maxPlayers))
		}
		if err := c.Err(); err != nil {
			return err
		}
		list := make([]*player, n)
		return h.later(c, func() (err error) {
			for i := range list {
				if list[i], err = h.player(prefix + strconv.Itoa(i+1)); err != nil {
					return err
				}
			}
			return nil
		}, func(c *vm.Call) error {
			refs := make([]vm.Ref, n)
			for i, p := range list {
				obj, err := playerObject(c.E, p)
				if err != nil {
					return err
				}
				refs[i] = obj
			}
			return c.ReturnRef("players", c.E.List(refs), nil)
		})
	}},
	{Name: vm.N("rpc"), Async: true, Body: func(h *host, c *vm.Call) error {
		return rpc(c, h, func(id string, payload []byte) ([]byte, error) {
			return h.request(http.MethodPost, "/v2/rpc/"+escape(id)+"?http_key="+escape(string(h.config.Runtime.HTTPKey)), "", payload)
		})
	}},
	{Name: vm.N("request"), Async: true, Body: httpCall},
	{Name: vm.N("replay"), Async: true, Body: replayOf},
	{Name: vm.N("log"), Property: true, Body: logOf},
	{Name: vm.N("sql"), Async: true, Body: sqlQuery},
	{Name: vm.N("metrics"), Property: true, Body: metricsOf},
}

// maxPlayers is the maximum number of players of one call.
const maxPlayers = 10_000

// httpCall sends any request to the client port, as for the routes of modules.
func httpCall(h *host, c *vm.Call) error {
	method, path := strings.ToUpper(c.StrNonEmpty("method")), c.StrNonEmpty("path")
	body, err := payloadOf(c, "body")
	headers := c.OptStrMap("headers")
	if err := firstError(c.Err(), err); err != nil {
		return err
	}
	if !strings.HasPrefix(path, "/") {
		c.Fail(1, "path", "expected a path that begins with /")
		return c.Err()
	}
	w := &recorder{header: http.Header{}, status: 0}
	return h.later(c, func() error {
		r, err := http.NewRequest(method, "http://"+address.String()+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		r.RemoteAddr, r.RequestURI = address.String(), path
		for k, v := range headers {
			r.Header.Set(k, v)
		}
		h.handler.ServeHTTP(w, r)
		return nil
	}, func(c *vm.Call) error {
		got := map[string]any{}
		for k := range w.header {
			got[strings.ToLower(k)] = w.header.Get(k)
		}
		return c.ReturnAny("response", map[string]any{"status": int64(max(w.status, http.StatusOK)), "headers": got, "body": w.body.String()}, nil)
	})
}

// sqlQuery runs a statement on the database. It returns the rows as objects; there are none
// for a statement that changes something.
func sqlQuery(h *host, c *vm.Call) error {
	query := c.StrNonEmpty("query")
	args := c.OptAnys("parameters")
	if err := c.Err(); err != nil {
		return err
	}
	list := []any{}
	return h.later(c, func() error {
		res, err := h.DB().CustomQuery(c.Ctx, query, args...)
		if err != nil {
			return err
		}
		for _, values := range res.Rows {
			row := make(map[string]any, len(values))
			for i, v := range values {
				row[res.Columns[i]] = v
			}
			list = append(list, row)
		}
		return nil
	}, func(c *vm.Call) error { return c.ReturnAny("rows", list, nil) })
}

// metricsOf returns the metrics by name, with labels as Prometheus writes them.
func metricsOf(h *host, c *vm.Call) error {
	r, err := http.NewRequest(http.MethodGet, "/", http.NoBody)
	if err != nil {
		return err
	}
	w := &recorder{header: http.Header{}}
	h.MetricsHandler().ServeHTTP(w, r)
	values := map[string]any{}
	for in := bufio.NewScanner(bytes.NewReader(w.body.Bytes())); in.Scan(); {
		line := in.Text()
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if n, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
			values[line[:i]] = n
		}
	}
	return c.ReturnAny("metrics", values, nil)
}
