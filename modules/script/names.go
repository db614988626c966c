package script

import "kumi/vm"

// Names of fields that arguments have, in both spellings.
var (
	nUserID         = vm.N("user_id")
	nUsername       = vm.N("username")
	nPermissionRead = vm.N("permission_read")
	nSessionID      = vm.N("session_id")
	nNode           = vm.N("node")
	nNodeID         = vm.N("node_id")
	nLabel          = vm.N("label")
	nState          = vm.N("state")
	nTickRate       = vm.N("tick_rate")
	nAccept         = vm.N("accept")
	nRejectMessage  = vm.N("reject_message")
	nData           = vm.N("data")
	nTicket         = vm.N("ticket")
	nPresence       = vm.N("presence")
)
