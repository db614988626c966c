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
func Library(lang vm.Lang, nk *core.Module) *vm.Library {
	return vm.Bind(lang, nk, slices.Concat(table, []vm.Func[*core.Module]{
		{Name: vm.N("get_satori"), Live: true, Body: object("satori", SatoriLibrary(lang, nk))},
		{Name: vm.N("get_fleet_manager"), Live: true, Body: getFleetManager(FleetLibrary(lang, nk))},
	}))
}

// object is a function that returns an object with the functions of lib.
func object(name string, lib *vm.Library) func(*core.Module, *vm.Call) error {
	return func(_ *core.Module, c *vm.Call) error {
		inst, ok := c.E.(vm.Instance)
		if !ok {
			return vm.ErrNotReached // there is no VM to make it in
		}
		return c.ReturnRef(name, script.ObjectOf(inst, lib), nil)
	}
}

// table is the list of all functions, by area.
var table = slices.Concat(
	accountTable, userTable, authenticateTable, linkTable, providerTable, sessionTable,
	storageTable, updateTable, walletTable,
	matchTable, partyTable, matchmakerTable, streamTable, notificationTable, channelTable, groupTable, friendTable,
	leaderboardTable, tournamentTable, purchaseTable,
	codecTable, cryptoTable, gcmTable, jsonTable, uuidTable, timeTable,
	httpTable, sqlTable, fileTable, cacheTable,
	metricsTable, eventTable, jobTable,
	script.ProgramTable,
)
