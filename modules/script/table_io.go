package script

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

var httpTable = []vm.Func[*core.Module]{
	{Name: vm.N("http_request"), Body: httpRequest},
}

var sqlTable = []vm.Func[*core.Module]{
	{Name: vm.N("sql_exec"), Body: sqlExec},
	{Name: vm.N("sql_query"), Body: sqlQuery},
}

var fileTable = []vm.Func[*core.Module]{
	{Name: vm.N("file_read"), Body: fileRead},
}

func httpRequest(nk *core.Module, c *vm.Call) error {
	in := core.HTTPRequest{URL: c.StrNonEmpty("url"), Method: c.StrNonEmpty("method"), Headers: c.OptStrMap("headers")}
	in.Body = string(c.OptData("body"))
	in.Timeout = time.Duration(c.OptInt("timeout", 5000)) * time.Millisecond
	in.Insecure = c.OptBool("insecure", false)
	if err := c.Err(); err != nil {
		return err
	}
	res, err := nk.HTTPRequest(c.Ctx, in)
	if err != nil {
		return err
	}
	return firstErr(
		c.ReturnInt("code", int64(res.Code), nil),
		c.ReturnAny("headers", headers(c.E.Lang(), res.Headers), nil),
		c.ReturnStr("body", res.Body, nil))
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

// sqlArgs are the parameters of a statement. Objects and lists go to the
// database as JSON.
func sqlArgs(c *vm.Call) []any {
	args := c.OptAnys("parameters")
	for i, a := range args {
		switch a.(type) {
		case map[string]any, []any:
			text, err := json.Marshal(a)
			if err != nil {
				c.Invalid("parameters", err.Error())
			}
			args[i] = string(text)
		}
	}
	return args
}

func sqlExec(nk *core.Module, c *vm.Call) error {
	query := c.StrNonEmpty("query")
	args := sqlArgs(c)
	if err := c.Err(); err != nil {
		return err
	}
	n, err := nk.SQLExec(c.Ctx, query, args)
	c.Named()
	return c.ReturnInt("rows_affected", n, err)
}

func sqlQuery(nk *core.Module, c *vm.Call) error {
	query := c.StrNonEmpty("query")
	args := sqlArgs(c)
	if err := c.Err(); err != nil {
		return err
	}
	columns, rows, err := nk.SQLQuery(c.Ctx, query, args)
	if err != nil {
		return err
	}
	names := make([]vm.Name, len(columns))
	for i, col := range columns {
		names[i] = vm.NameAs(col, col)
	}
	layout := vm.NewLayout(names...)
	refs := make([]vm.Ref, len(rows))
	for i, row := range rows {
		values := make([]vm.Ref, len(row))
		for j, v := range row {
			if values[j], err = sqlValue(c.E, v); err != nil {
				return err
			}
		}
		refs[i] = c.E.Object(layout, values)
	}
	return c.ReturnRef("rows", c.E.List(refs), nil)
}

// sqlValue makes a column's value. A null is absent in Lua, and a time is a
// number of seconds there.
func sqlValue(e vm.Engine, v any) (vm.Ref, error) {
	switch v := v.(type) {
	case nil:
		if e.Lang() == vm.Lua {
			return nil, nil
		}
		return e.Nil(), nil
	case time.Time:
		if e.Lang() == vm.Lua {
			return e.FromInt(v.Unix()), nil
		}
	}
	return e.FromAny(v)
}

// maxFile bounds what fileRead reads into a VM, in bytes.
const maxFile = 64 << 20

func fileRead(nk *core.Module, c *vm.Call) error {
	path := c.StrNonEmpty("path")
	if err := c.Err(); err != nil {
		return err
	}
	f, err := nk.ReadFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return fault.Wrap(fault.Internal, "failed to read file", err)
	case len(text) > maxFile:
		return fault.Newf(fault.ResourceExhausted, "file %q is larger than %d bytes", path, maxFile)
	}
	return c.ReturnStr("content", string(text), nil)
}
