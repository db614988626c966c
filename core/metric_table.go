package core

import (
	"context"
	"fmt"
	"time"
)

// metricsKept is how long stored metrics are kept.
const metricsKept = 24 * time.Hour

func newMetricTable() *ownTable {
	return newOwnTable("kumi_metric", `CREATE TABLE IF NOT EXISTS kumi_metric (
		node    VARCHAR(128) NOT NULL,
		at      BIGINT NOT NULL,
		figures TEXT NOT NULL,
		PRIMARY KEY (node, at)
	)`)
}

// SaveMetrics stores figures of this node at a time, in Unix seconds, and removes those
// of all nodes that are older than a day.
func (c *Core) SaveMetrics(ctx context.Context, at int64, figures string) error {
	if err := c.metricTable.ensure(ctx, c.db); err != nil {
		return err
	}
	_, err := c.db.Exec(ctx, `INSERT INTO kumi_metric (node, at, figures) VALUES ($1, $2, $3)
		ON CONFLICT (node, at) DO UPDATE SET figures = excluded.figures`, c.tracker.Node(), at, figures)
	if err == nil {
		_, err = c.db.Exec(ctx, "DELETE FROM kumi_metric WHERE at < $1", at-int64(metricsKept/time.Second))
	}
	if err != nil {
		return fmt.Errorf("store metrics: %w", err)
	}
	return nil
}

// LoadMetrics calls visit with the stored figures of this node of the last day, in the
// order of their times.
func (c *Core) LoadMetrics(ctx context.Context, visit func(at int64, figures string) error) error {
	if exists, err := c.metricTable.exists(ctx, c.db); err != nil || !exists {
		return err
	}
	rows, err := c.db.Reader().QueryContext(ctx, "SELECT at, figures FROM kumi_metric WHERE node = $1 AND at >= $2 ORDER BY at",
		c.tracker.Node(), c.now().Add(-metricsKept).Unix())
	if err != nil {
		return fmt.Errorf("read stored metrics: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var figures string
		if err := rows.Scan(&at, &figures); err != nil {
			return fmt.Errorf("read stored metrics: %w", err)
		}
		if err := visit(at, figures); err != nil {
			return fmt.Errorf("read stored metrics: %w", err)
		}
	}
	return rows.Err()
}
