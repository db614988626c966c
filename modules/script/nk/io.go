package nk

import (
	"io"
	"time"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

var sqlTable = []vm.Func[*core.Module]{
	{Name: vm.N("sql_exec"), Body: sqlExec},
	{Name: vm.N("sql_query"), Body: sqlQuery},
}

var fileTable = []vm.Func[*core.Module]{
	{Name: vm.N("file_read"), Body: fileRead},
}

func sqlExec(nk *core.Module, c *vm.Call) error {
	query := c.StrNonEmpty("query")
	args := c.OptAnys("parameters") // the store converts lists and objects to the types of their parameters
	if err := c.Err(); err != nil {
		return err
	}
	n, err := nk.SQLExec(c.Ctx, query, args)
	c.Named()
	return c.ReturnInt("rows_affected", n, err)
}

func sqlQuery(nk *core.Module, c *vm.Call) error {
	query := c.StrNonEmpty("query")
	args := c.OptAnys("parameters") // the store converts lists and objects to the types of their parameters
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

// sqlValue converts a column's value. In Lua a null is absent and a time is a number
// of seconds. In JavaScript columns of the types jsonb and bytea are lists of bytes,
// as in Nakama.
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
	case []byte:
		if e.Lang() == vm.JS {
			return e.FromAny(vm.ByteList(v))
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
