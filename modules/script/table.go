package script

import (
	"slices"

	"kumi/core"
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
	metricsTable, eventTable, jobTable, logTable, configTable, onceTable,
	registerLua, pendingTable,
)
