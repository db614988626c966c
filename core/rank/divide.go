package rank

import (
	"context"

	"kumi/store"
)

// split divides a range that has become too large at its middle.
func (x *Index) split(ctx context.Context, q store.Querier, p Period, at place) error {
	r := at.rows[ranges]
	half := r.records / 2
	var middle Key
	err := q.QueryRowContext(ctx, `SELECT score, subscore, owner_id FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2
		AND (score, subscore, owner_id) >= ($3, $4, $5) ORDER BY score, subscore, owner_id LIMIT 1 OFFSET $6`,
		p.Board, p.Expiry, r.first.Score, r.first.Subscore, r.first.Owner, half).Scan(&middle.Score, &middle.Subscore, &middle.Owner)
	if err != nil {
		return wrap(err)
	}
	moved := r.records - half
	if err := x.add(ctx, q, p, change{ranges, r.first, -moved}, change{ranges, middle, moved}); err != nil {
		return err
	}
	return x.divide(ctx, q, p, groups, at)
}

// divide divides the group of a level that has too many members into equal parts, and
// then the group that it belongs to.
func (x *Index) divide(ctx context.Context, q store.Querier, p Period, level int, at place) error {
	first := at.rows[level].first
	members, err := x.members(ctx, q, p, level, first)
	n := int64(len(members))
	if err != nil || n <= x.MaxGroup {
		return err
	}
	parts := (n + x.MaxGroup - 1) / x.MaxGroup
	size := (n + parts - 1) / parts
	changes := []change{{level: level, first: first}}
	for from := size; from < n; from += size {
		part := change{level: level, first: members[from].first}
		for _, m := range members[from:min(from+size, n)] {
			part.records += m.records
		}
		changes[0].records -= part.records
		changes = append(changes, part)
	}
	if err := x.add(ctx, q, p, changes...); err != nil || level == top {
		return err
	}
	return x.divide(ctx, q, p, level+1, at)
}

// members are the ranges or groups of a group.
func (x *Index) members(ctx context.Context, q store.Querier, p Period, level int, first Key) ([]row, error) {
	rows, err := q.QueryContext(ctx, "SELECT first_key, records FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level = $3 - 1 AND "+inGroup+" ORDER BY first_key",
		p.Board, p.Expiry.Unix(), level, first.text())
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var members []row
	for rows.Next() {
		var m row
		if err := rows.Scan(&m.first, &m.records); err != nil {
			return nil, wrap(err)
		}
		members = append(members, m)
	}
	return members, wrap(rows.Err())
}

// inGroup is the condition for rows within the group of level $3 that begins at $4.
const inGroup = `first_key >= $4 AND first_key <
	coalesce((SELECT min(first_key) FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level = $3 AND first_key > $4), 'end')`

// join merges a range that has become small with a neighbour in its group, and
// removes a group that is empty. The first member of a group stays as long as the group
// does, so that no member is in two groups.
func (x *Index) join(ctx context.Context, q store.Querier, p Period, at place) error {
	for level := top; level > ranges; level-- {
		if at.rows[level].records == 0 {
			return x.removeGroup(ctx, q, p, level, at.rows[level].first)
		}
	}
	r := at.rows[ranges]
	args := []any{p.Board, p.Expiry.Unix(), ranges, r.first.text()}
	for _, query := range []string{"AND first_key < $4 ORDER BY first_key DESC LIMIT 1", "AND first_key > $4 ORDER BY first_key LIMIT 1"} {
		other, found, err := x.one(ctx, q, query, args...)
		if err != nil {
			return err
		}
		if !found || r.records > 0 && r.records+other.records > x.MaxRange/2 {
			continue
		}
		lower, upper := other, r
		if r.first.less(other.first) {
			lower, upper = r, other
		}
		starts, err := x.starts(ctx, q, p, groups, upper.first)
		if err != nil {
			return err
		}
		if !starts {
			return x.merge(ctx, q, p, lower, upper)
		}
	}
	return nil
}

// merge adds the upper one of two ranges to the lower one.
func (x *Index) merge(ctx context.Context, q store.Querier, p Period, lower, upper row) error {
	if err := x.delete(ctx, q, p, ranges, upper.first); err != nil {
		return err
	}
	return x.add(ctx, q, p, change{ranges, lower.first, upper.records})
}

// starts reports whether a group of a level begins at a key.
func (x *Index) starts(ctx context.Context, q store.Querier, p Period, level int, first Key) (bool, error) {
	_, found, err := x.one(ctx, q, "AND first_key = $4", p.Board, p.Expiry.Unix(), level, first.text())
	return found, err
}

// removeGroup removes an empty group with all that is in it, unless it is the first one
// of its period or of a group that is not empty.
func (x *Index) removeGroup(ctx context.Context, q store.Querier, p Period, level int, first Key) error {
	if first == lowest {
		return nil
	}
	if starts, err := x.starts(ctx, q, p, level+1, first); err != nil || starts {
		return err
	}
	_, err := q.ExecContext(ctx, "DELETE FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level BETWEEN 1 AND $3 AND "+inGroup,
		p.Board, p.Expiry.Unix(), level, first.text())
	return wrap(err)
}
