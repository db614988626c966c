package core

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/store"
	"kumi/store/fault"
)

// groupFilter selects the groups to list.
type groupFilter struct {
	name    string // a pattern, with % as wildcard
	lang    string
	open    *bool
	members *int // maximum number of members
}

// groupPosition is the end of a page of groups, for any order.
type groupPosition struct {
	Name    string    `json:"n"`
	Updated time.Time `json:"t"`
	Members int       `json:"m"`
	ID      uuid.UUID `json:"i"`
}

func (p *groupPosition) decode(cursor string) error {
	if err := decodeCursor(groupCursor, cursor, p); err != nil {
		return err
	}
	if !storable(p.Updated) || strings.ContainsRune(p.Name, 0) {
		return errCursor
	}
	return nil
}

// groupOrder is an order of groups: by these columns, in one direction.
type groupOrder struct {
	columns    []string
	descending bool
}

var (
	groupsByName    = groupOrder{columns: []string{"name", "id"}}
	groupsByUpdate  = groupOrder{columns: []string{"update_time", "edge_count", "id"}}
	groupsByMembers = groupOrder{columns: []string{"edge_count", "id"}}
	groupsUpTo      = groupOrder{columns: []string{"edge_count", "update_time", "id"}, descending: true}
	groupsLargest   = groupOrder{columns: []string{"edge_count", "id"}, descending: true}
)

func (f *groupFilter) order() groupOrder {
	switch lang := f.lang != ""; {
	case f.name != "":
		return groupsByName
	case !lang && f.members == nil:
		return groupsByUpdate
	case lang && f.members == nil && f.open == nil:
		return groupsByMembers
	case !lang && f.open == nil:
		return groupsUpTo
	}
	return groupsLargest
}

// at returns the part of a position that the order compares.
func (o groupOrder) at(p *groupPosition) []any {
	args := make([]any, len(o.columns))
	for i, column := range o.columns {
		switch column {
		case "name":
			args[i] = p.Name
		case "update_time":
			args[i] = p.Updated
		case "edge_count":
			args[i] = p.Members
		case "id":
			args[i] = p.ID
		}
	}
	return args
}

// ListGroups lists groups: by name, which cannot be combined with other
// filters, or by language, size and openness. A page has 1 to 100, by default
// 1.
//
// Errors: InvalidArgument for a bad limit, combination or cursor.
func (c *Core) ListGroups(ctx context.Context, _ uuid.UUID, in *api.ListGroupsRequest) (*api.GroupList, error) {
	limit, err := limitOf(in.GetLimit(), 1, 100)
	if err != nil {
		return nil, err
	}
	f := groupFilter{name: in.GetName(), lang: in.GetLangTag()}
	if open := in.GetOpen(); open != nil {
		f.open = &open.Value
	}
	if members := in.GetMembers(); members != nil {
		n := int(members.Value)
		f.members = &n
	}
	groups, cursor, err := c.listGroups(ctx, f, limit, in.GetCursor())
	if err != nil {
		return nil, err
	}
	return &api.GroupList{Groups: groups, Cursor: cursor}, nil
}

func (c *Core) listGroups(ctx context.Context, f groupFilter, limit int, cursor string) ([]*api.Group, string, error) {
	if f.name != "" && (f.lang != "" || f.open != nil || f.members != nil) {
		return nil, "", invalid("name filter cannot be combined with any other filter")
	}
	where := []string{liveGroup}
	args := []any{limit + 1}
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where = append(where, condition)
	}
	if f.name = strings.TrimLeft(f.name, "% "); f.name != "" {
		// A trailing escape character is an error in one of the databases.
		if n := len(f.name) - len(strings.TrimRight(f.name, `\`)); n%2 == 1 {
			f.name += `\`
		}
		add(c.db.Dialect().ILike("g.name", "?"), f.name)
	}
	if f.lang != "" {
		add("g.lang_tag = ?", f.lang)
	}
	if f.open != nil {
		state := 1
		if *f.open {
			state = 0
		}
		add("g.state = ?", state)
	}
	if f.members != nil {
		add("g.edge_count <= ?", *f.members)
	}
	order := f.order()
	direction, compare := "", ">"
	if order.descending {
		direction, compare = " DESC", "<"
	}
	columns := "g." + strings.Join(order.columns, ", g.")
	if cursor != "" {
		var from groupPosition
		if err := from.decode(cursor); err != nil {
			return nil, "", fault.Wrap(fault.InvalidArgument, "Error while trying to list groups. The cursor is not one of this list.", err)
		}
		at := order.at(&from)
		add("("+columns+") "+compare+" (?"+strings.Repeat(", ?", len(at)-1)+")", at...)
	}
	rows, err := c.readGroups(ctx, "SELECT "+groupColumns+" FROM groups g WHERE "+strings.Join(where, " AND ")+
		" ORDER BY "+strings.ReplaceAll(columns, ",", direction+",")+direction+" LIMIT $1", args...)
	if err != nil {
		return nil, "", failed("list groups", err)
	}
	more := len(rows) > limit
	rows = rows[:min(len(rows), limit)]
	groups := make([]*api.Group, len(rows))
	for i := range rows {
		groups[i] = rows[i].group()
	}
	if !more {
		return groups, "", nil
	}
	last := &rows[limit-1]
	next, err := encodeCursor(groupCursor, groupPosition{last.name, last.updated, int(last.members), last.id})
	if err != nil {
		return nil, "", failed("list groups", err)
	}
	return groups, next, nil
}

// readGroups runs a query for groupColumns.
func (c *Core) readGroups(ctx context.Context, query string, args ...any) ([]groupRow, error) {
	rows, err := c.db.Reader().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var groups []groupRow
	for rows.Next() {
		var r groupRow
		if err := rows.Scan(r.into()...); err != nil {
			return nil, err
		}
		groups = append(groups, r)
	}
	return groups, rows.Err()
}

// groups reads groups by id; unknown ids are skipped.
func (c *Core) groups(ctx context.Context, ids []uuid.UUID) ([]*api.Group, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return apiGroups(c.readGroups(ctx, "SELECT "+groupColumns+" FROM groups g WHERE "+liveGroup+" AND g.id "+
		c.db.Dialect().AnyOf("$1", "uuid")+" ORDER BY g.id", ids))
}

// randomGroups returns up to count groups after a random point in the order of
// their ids, which are random themselves.
func (c *Core) randomGroups(ctx context.Context, count int) ([]*api.Group, error) {
	if count < 0 || count > 1000 {
		return nil, invalid("count must be between 0 and 1000")
	}
	if count == 0 {
		return nil, nil
	}
	from, err := uuid.NewV4()
	if err != nil {
		return nil, failed("pick random groups", err)
	}
	query := "SELECT " + groupColumns + " FROM groups g WHERE " + liveGroup + " AND g.id "
	found, err := c.readGroups(ctx, query+"> $1 ORDER BY g.id LIMIT $2", from, count)
	if err == nil && len(found) < count {
		var rest []groupRow
		rest, err = c.readGroups(ctx, query+"<= $1 ORDER BY g.id LIMIT $2", from, count-len(found))
		found = append(found, rest...)
	}
	return apiGroups(found, err)
}

func apiGroups(rows []groupRow, err error) ([]*api.Group, error) {
	if err != nil {
		return nil, failed("read groups", err)
	}
	groups := make([]*api.Group, len(rows))
	for i := range rows {
		groups[i] = rows[i].group()
	}
	return groups, nil
}

// edgePosition is the edge that a page begins with. It is valid even if the
// edge is deleted. It is bound to the states that the list shows.
type edgePosition struct {
	State    int   `json:"s"`
	Position int64 `json:"p"`
	Only     *int  `json:"o,omitempty"`
}

func (p *edgePosition) decode(kind byte, cursor string, only *int) error {
	if err := decodeCursor(kind, cursor, p); err != nil {
		return err
	}
	if (p.Only == nil) != (only == nil) || only != nil && *only != *p.Only {
		return errCursor
	}
	return nil
}

// edgeList is what the lists of members, groups and friends have in common:
// the edges of one source in order of state and position.
type edgeList struct {
	kind      byte
	badCursor error
	columns   string // in addition to state and position
	tables    string // with alias e for the edges
	where     string // further conditions, beginning with AND
	max       int    // the last state shown by default
}

// page reads a page of edges; scan reads the row's further columns.
func (l *edgeList) page(ctx context.Context, q store.Querier, source uuid.UUID, limit int, only *int, cursor string,
	scan func(row interface{ Scan(...any) error }, state *int, position *int64) error) (next string, err error) {
	low, high := 0, l.max
	if only != nil {
		low, high = *only, *only
	}
	from := edgePosition{State: low}
	if cursor != "" {
		if err := from.decode(l.kind, cursor, only); err != nil {
			return "", l.badCursor
		}
	}
	rows, err := q.QueryContext(ctx, "SELECT e.state, e.position, "+l.columns+" FROM "+l.tables+` WHERE e.source_id = $1
		AND e.state BETWEEN $2 AND $3 AND (e.state, e.position) >= ($4, $5)`+l.where+" ORDER BY e.state, e.position LIMIT $6",
		source, low, high, from.State, from.Position, limit+1)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		if n == limit {
			p := edgePosition{Only: only}
			if err := scan(rows, &p.State, &p.Position); err != nil {
				return "", err
			}
			if next, err = encodeCursor(l.kind, p); err != nil {
				return "", err
			}
			break
		}
		var state int
		var position int64
		if err := scan(rows, &state, &position); err != nil {
			return "", err
		}
	}
	return next, rows.Err()
}
