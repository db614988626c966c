package rank

import (
	"context"

	"kumi/store"
)

// split divides a range that has become too large at its middle, and its group if
// that has too many ranges then.
func (x *Index) split(ctx context.Context, q store.Querier, p Period, r, g row) error {
	half := r.records / 2
	var middle Key
	err := q.QueryRowContext(ctx, `SELECT score, subscore, owner_id FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2
		AND (score, subscore, owner_id) >= ($3, $4, $5) ORDER BY score, subscore, owner_id LIMIT 1 OFFSET $6`,
		p.Board, p.Expiry, r.score, r.subscore, ownerOf(r), half).Scan(&middle.Score, &middle.Subscore, &middle.Owner)
	if err != nil {
		return wrap(err)
	}
	upper := rowOf(middle)
	upper.records, r.records = r.records-half, half
	if err := x.set(ctx, q, p, ranges, r); err != nil {
		return err
	}
	if err := x.insert(ctx, q, p, ranges, upper); err != nil {
		return err
	}
	return x.splitGroup(ctx, q, p, g)
}

const nilOwner = "00000000-0000-0000-0000-000000000000"

// ownerOf is the owner of a row's key as the records' column has it. The lowest
// row's is empty, and compares like the nil id.
func ownerOf(r row) string {
	if r.owner == "" {
		return nilOwner
	}
	return r.owner
}

// splitGroup divides a group with too many ranges.
func (x *Index) splitGroup(ctx context.Context, q store.Querier, p Period, g row) error {
	members, err := x.members(ctx, q, p, g)
	if err != nil || int64(len(members)) <= x.MaxGroup {
		return err
	}
	upper := members[len(members)/2]
	upper.records = 0
	for _, m := range members[len(members)/2:] {
		upper.records += m.records
	}
	g.records -= upper.records
	if err := x.set(ctx, q, p, groups, g); err != nil {
		return err
	}
	return x.insert(ctx, q, p, groups, upper)
}

// members are the ranges of a group.
func (x *Index) members(ctx context.Context, q store.Querier, p Period, g row) ([]row, error) {
	query := `SELECT score, subscore, owner, records FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = $3
		AND (score, subscore, owner) >= ($4, $5, $6)`
	args := []any{p.Board, p.Expiry.Unix(), ranges, g.score, g.subscore, g.owner}
	next, found, err := x.one(ctx, q, `SELECT score, subscore, owner, records FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = $3
		AND (score, subscore, owner) > ($4, $5, $6) ORDER BY score, subscore, owner LIMIT 1`,
		p.Board, p.Expiry.Unix(), groups, g.score, g.subscore, g.owner)
	if err != nil {
		return nil, err
	}
	if found {
		query += " AND (score, subscore, owner) < ($7, $8, $9)"
		args = append(args, next.score, next.subscore, next.owner)
	}
	rows, err := q.QueryContext(ctx, query+" ORDER BY score, subscore, owner", args...)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var members []row
	for rows.Next() {
		var m row
		if err := rows.Scan(&m.score, &m.subscore, &m.owner, &m.records); err != nil {
			return nil, wrap(err)
		}
		members = append(members, m)
	}
	return members, wrap(rows.Err())
}

// join merges a range that has become small with a neighbour in its group, and a
// group that is empty with the one before it. The first range of a group stays
// as long as the group does, so that ranges never span two groups.
func (x *Index) join(ctx context.Context, q store.Querier, p Period, r, g row) error {
	if g.records == 0 {
		if g.same(lowest) {
			return nil
		}
		members, err := x.members(ctx, q, p, g)
		if err != nil {
			return err
		}
		for _, m := range members {
			if err := x.delete(ctx, q, p, ranges, m); err != nil {
				return err
			}
		}
		return x.delete(ctx, q, p, groups, g)
	}
	members, err := x.members(ctx, q, p, g)
	if err != nil {
		return err
	}
	for i := 1; i < len(members); i++ {
		lower, upper := members[i-1], members[i]
		if !lower.same(r) && !upper.same(r) || lower.records+upper.records > x.MaxRange/2 {
			continue
		}
		lower.records += upper.records
		if err := x.set(ctx, q, p, ranges, lower); err != nil {
			return err
		}
		return x.delete(ctx, q, p, ranges, upper)
	}
	return nil
}
