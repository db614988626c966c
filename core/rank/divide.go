package rank

import (
	"context"

	"kumi/store"
)

// split divides a range that has become too large at its middle.
func (x *Index) split(ctx context.Context, q store.Querier, p Period, at place) error {
	half := at.r.records / 2
	var middle Key
	err := q.QueryRowContext(ctx, `SELECT score, subscore, owner_id FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2
		AND (score, subscore, owner_id) >= ($3, $4, $5) ORDER BY score, subscore, owner_id LIMIT 1 OFFSET $6`,
		p.Board, p.Expiry, at.r.first.Score, at.r.first.Subscore, at.r.first.Owner, half).Scan(&middle.Score, &middle.Subscore, &middle.Owner)
	if err != nil {
		return wrap(err)
	}
	moved := at.r.records - half
	if err := x.add(ctx, q, p, change{ranges, at.r.first, -moved}, change{ranges, middle, moved}); err != nil {
		return err
	}
	return x.splitGroup(ctx, q, p, at.g.first)
}

// splitGroup divides a group that has too many ranges into equal parts.
func (x *Index) splitGroup(ctx context.Context, q store.Querier, p Period, first Key) error {
	members, err := x.members(ctx, q, p, first)
	n := int64(len(members))
	if err != nil || n <= x.MaxGroup {
		return err
	}
	parts := (n + x.MaxGroup - 1) / x.MaxGroup
	size := (n + parts - 1) / parts
	changes := []change{{level: groups, first: first}}
	for from := size; from < n; from += size {
		part := change{level: groups, first: members[from].first}
		for _, m := range members[from:min(from+size, n)] {
			part.records += m.records
		}
		changes[0].records -= part.records
		changes = append(changes, part)
	}
	return x.add(ctx, q, p, changes...)
}

// members are the ranges of a group.
func (x *Index) members(ctx context.Context, q store.Querier, p Period, first Key) ([]row, error) {
	rows, err := q.QueryContext(ctx, `SELECT first_key, records FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = 1 AND first_key >= $3
		AND first_key < coalesce((SELECT min(first_key) FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = 2 AND first_key > $3), 'end')
		ORDER BY first_key`, p.Board, p.Expiry.Unix(), first.text())
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

// join merges a range that has become small with a neighbour in its group, and
// removes a group that is empty. The first range of a group stays as long as the group
// does, so that ranges never span two groups.
func (x *Index) join(ctx context.Context, q store.Querier, p Period, at place) error {
	if at.g.records == 0 {
		return x.removeGroup(ctx, q, p, at.g.first)
	}
	args := []any{p.Board, p.Expiry.Unix(), ranges, at.r.first.text()}
	for _, query := range []string{"AND first_key < $4 ORDER BY first_key DESC LIMIT 1", "AND first_key > $4 ORDER BY first_key LIMIT 1"} {
		other, found, err := x.one(ctx, q, query, args...)
		if err != nil {
			return err
		}
		if !found || at.r.records+other.records > x.MaxRange/2 {
			continue
		}
		lower, upper := other, at.r
		if at.r.first.less(other.first) {
			lower, upper = at.r, other
		}
		_, starts, err := x.one(ctx, q, "AND first_key = $4", p.Board, p.Expiry.Unix(), groups, upper.first.text())
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

// removeGroup removes an empty group with its ranges, except the lowest one.
func (x *Index) removeGroup(ctx context.Context, q store.Querier, p Period, first Key) error {
	if first == lowest {
		return nil
	}
	members, err := x.members(ctx, q, p, first)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := x.delete(ctx, q, p, ranges, m.first); err != nil {
			return err
		}
	}
	return x.delete(ctx, q, p, groups, first)
}
