// Package nk is the function table: everything that scripts can call on the server,
// once, for JavaScript and Lua alike. An entry reads its arguments through a
// vm.Call, calls core, and returns through a shape; it does not depend on the engine.
// Each area has a file. Functions are called by the goroutine that owns the VM.
package nk

import (
	"slices"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

// Library returns the functions that scripts of a language call as nk.
func Library(lang vm.Lang, nk *core.Module) *vm.Library { return vm.Bind(lang, nk, table) }

// table is the list of all functions, by area.
var table = slices.Concat(
	accountTable, userTable, authenticateTable, linkTable, sessionTable,
	storageTable, updateTable, walletTable,
	matchTable, partyTable, matchmakerTable, streamTable, notificationTable, channelTable, groupTable, friendTable,
	leaderboardTable, tournamentTable,
	codecTable, cryptoTable, gcmTable, jsonTable, uuidTable, timeTable,
	httpTable, sqlTable, fileTable, cacheTable,
	metricsTable, eventTable, jobTable, satoriClientTable, pendingTable,
	script.ProgramTable,
)
