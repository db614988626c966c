package core

import (
	"context"
	"fmt"
	"time"

	"kumi/presence"
	"kumi/store"
	"kumi/store/fault"
)

// nodeRecent is how long ago a node was seen that counts as one that may be alive. Nodes
// say that they are more often than that.
const nodeRecent = 20 * time.Second

// Nodes is the table of the nodes of a cluster: a row for each name that one has had. Its
// times are in Unix milliseconds of the database's clock. seen is 0 after a node has said
// that it ends. It works on PostgreSQL only, and may be used from any goroutine.
type Nodes struct {
	db    *store.DB
	table *ownTable
}

// NewNodes makes no table yet.
func NewNodes(db *store.DB) *Nodes {
	return &Nodes{db: db, table: newOwnTable("kumi_node", `CREATE TABLE IF NOT EXISTS kumi_node (
		name    VARCHAR(128) PRIMARY KEY,
		hash    VARCHAR(12) NOT NULL CONSTRAINT kumi_node_hash UNIQUE,
		epoch   BIGINT NOT NULL,
		address VARCHAR(256) NOT NULL,
		version VARCHAR(128) NOT NULL,
		seen    BIGINT NOT NULL
	)`)}
}

// NodeRun is one process of a node of a cluster.
type NodeRun struct {
	// Epoch is higher than that of every earlier process with this name.
	Epoch uint64
	// Restarted says that an earlier process was alive a short time ago and has not said
	// that it ends, and Before is its address: it may be alive still.
	Restarted bool
	Before    string
	// Others are the other nodes that were alive a short time ago.
	Others []NodeAddress
}

// NodeAddress is another node and where it listens for nodes; the address is empty with
// external servers.
type NodeAddress struct{ Name, Address string }

const databaseNow = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

// Begin takes the next epoch of a node's name.
func (n *Nodes) Begin(ctx context.Context, name, address, version string) (run NodeRun, err error) {
	if err := n.table.ensure(ctx, n.db); err != nil {
		return run, err
	}
	err = n.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, `WITH was AS (SELECT address, seen > `+databaseNow+` - $5::bigint AS alive FROM kumi_node WHERE name = $1)
			INSERT INTO kumi_node (name, hash, epoch, address, version, seen) VALUES ($1, $2, 1, $3, $4, `+databaseNow+`)
			ON CONFLICT (name) DO UPDATE SET epoch = kumi_node.epoch + 1, address = excluded.address, version = excluded.version, seen = excluded.seen
			RETURNING epoch, COALESCE((SELECT alive FROM was), FALSE), COALESCE((SELECT address FROM was WHERE alive), '')`,
			name, presence.NodeHash(name).String(), address, version, nodeRecent.Milliseconds()).Scan(&run.Epoch, &run.Restarted, &run.Before)
	})
	if constraint, ok := store.IsUnique(err); ok && constraint == "kumi_node_hash" {
		return run, fault.Newf(fault.AlreadyExists, "the node name %q has the same hash as another node's name: choose another one", name)
	}
	if err != nil {
		return run, fmt.Errorf("take an epoch for node %q: %w", name, err)
	}
	run.Others, err = n.others(ctx, name)
	return run, err
}

// Keep says that a node is alive, and returns the others that were a short time ago. The
// server calls it every few seconds. The row is the node's again, too, when a second
// process of its name has taken an epoch, was refused by this one, and has ended.
func (n *Nodes) Keep(ctx context.Context, name, address string, epoch uint64) ([]NodeAddress, error) {
	if _, err := n.db.Exec(ctx, "UPDATE kumi_node SET seen = "+databaseNow+", address = $3 WHERE name = $1 AND (epoch = $2 OR seen = 0)", name, epoch, address); err != nil {
		return nil, fmt.Errorf("say that node %q is alive: %w", name, err)
	}
	return n.others(ctx, name)
}

// End says that a node ends, so that nobody waits for it.
func (n *Nodes) End(ctx context.Context, name, address string, epoch uint64) error {
	_, err := n.db.Exec(ctx, "UPDATE kumi_node SET seen = 0 WHERE name = $1 AND (epoch = $2 OR epoch > $2 AND address = $3 AND address <> '')", name, epoch, address)
	return err
}

func (n *Nodes) others(ctx context.Context, name string) (others []NodeAddress, err error) {
	rows, err := n.db.Reader().QueryContext(ctx, "SELECT name, address FROM kumi_node WHERE name <> $1 AND seen > "+databaseNow+" - $2::bigint ORDER BY name",
		name, nodeRecent.Milliseconds())
	if err != nil {
		return nil, fmt.Errorf("read the nodes of the cluster: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var other NodeAddress
		if err := rows.Scan(&other.Name, &other.Address); err != nil {
			return nil, fmt.Errorf("read the nodes of the cluster: %w", err)
		}
		others = append(others, other)
	}
	return others, rows.Err()
}
