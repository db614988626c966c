package nk

import "kumi/vm"

// Names of fields that arguments have, in both spellings.
var (
	nCollection      = vm.N("collection")
	nKey             = vm.N("key")
	nUserID          = vm.N("user_id")
	nUsername        = vm.N("username")
	nValue           = vm.N("value")
	nVersion         = vm.N("version")
	nPermissionRead  = vm.N("permission_read")
	nPermissionWrite = vm.N("permission_write")
	nDisplayName     = vm.N("display_name")
	nTimezone        = vm.N("timezone")
	nLocation        = vm.N("location")
	nLangTag         = vm.N("lang_tag")
	nAvatarURL       = vm.N("avatar_url")
	nMetadata        = vm.N("metadata")
	nChangeset       = vm.N("changeset")
	nMode            = vm.N("mode")
	nSubject         = vm.N("subject")
	nSubcontext      = vm.N("subcontext")
	nLabel           = vm.N("label")
)
