// Command plugin makes the module a shared object, for servers that load
// those:
//
//	go build -buildmode=plugin -o bench.so ./bench/modules/go/plugin
package main

import (
	"context"
	"database/sql"

	"github.com/heroiclabs/nakama-common/runtime"

	benchmodule "kumi/bench/modules/go"
)

// InitModule is called by the server.
func InitModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	return benchmodule.InitModule(ctx, logger, db, nk, initializer)
}

// main makes the package build as an ordinary program too. It never runs.
func main() {}
