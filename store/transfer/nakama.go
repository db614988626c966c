package transfer

// nakamaTables are the tables that the migrations make. Both databases have them, so
// they are never made by a copy.
var nakamaTables = map[string]bool{
	"users": true, "user_device": true, "user_edge": true, "notification": true, "storage": true, "message": true,
	"leaderboard": true, "leaderboard_record": true, "wallet_ledger": true, "user_tombstone": true, "groups": true,
	"group_edge": true, "console_user": true, "purchase": true, "subscription": true, "setting": true, "users_notes": true,
	"console_audit_log": true, "console_acl_template": true, "migration_info": true,
}

// seeds delete the rows that the migrations insert: the source has its own.
var seeds = map[string]string{
	"users":   "DELETE FROM users WHERE id = '00000000-0000-0000-0000-000000000000'",
	"setting": "DELETE FROM setting WHERE name = 'utc_toggle'",
}
