package core

// The states of a user in a group. Those up to member count as members.
const (
	groupSuperadmin = iota
	groupAdmin
	groupMember
	groupRequest
	groupBanned
	// groupNone is the state of who has no edge to the group.
	groupNone
)

func isMember(state int) bool { return state >= groupSuperadmin && state <= groupMember }
