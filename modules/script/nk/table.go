// Package nk is the function table: everything that scripts can call on the server,
// once, for JavaScript and Lua alike. An entry reads its arguments through a
// vm.Call, calls core, and returns through a shape; nothing in it names an engine.
// Each area has a file. The functions may be called from whatever goroutine owns
// the VM.
package nk

import (
	"slices"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

// Library is everything scripts of a language can call as nk.
func Library(lang vm.Lang, nk *core.Module) *vm.Library { return vm.Bind(lang, nk, table) }

// table is the one list of functions. Each area has a file of its own.
var table = slices.Concat(
	accountTable, userTable, authenticateTable, linkTable, sessionTable,
	storageTable, updateTable, walletTable,
	matchTable, partyTable, matchmakerTable, streamTable, notificationTable, channelTable, groupTable, friendTable,
	codecTable, cryptoTable, gcmTable, jsonTable, uuidTable, timeTable,
	httpTable, sqlTable, fileTable, cacheTable,
	metricsTable, eventTable, jobTable, satoriClientTable, pendingTable,
	script.ProgramTable,
)
