package core

import (
	"database/sql"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/store/fault"
)

// States of a user in a group. Those up to member count as members.
const (
	groupSuperadmin = iota
	groupAdmin
	groupMember
	groupRequest
	groupBanned
	// groupNone means that there is no edge to the group.
	groupNone
)

func isMember(state int) bool { return state >= groupSuperadmin && state <= groupMember }

// defaultMaxCount is the default maximum number of members.
const defaultMaxCount = 100

var (
	errGroupNotFound   = fault.Wrap(fault.NotFound, "Group not found or permission denied.", runtime.ErrGroupNotFound)
	errGroupUpdate     = fault.Wrap(fault.NotFound, "Group not found or you're not allowed to update.", runtime.ErrGroupPermissionDenied)
	errGroupJoin       = fault.Wrap(fault.NotFound, "Group not found.", runtime.ErrGroupNotFound)
	errGroupPermission = fault.Wrap(fault.NotFound, "Group not found or permission denied.", runtime.ErrGroupPermissionDenied)
	errGroupDelete     = fault.Wrap(fault.InvalidArgument, "Group not found or you're not allowed to delete.", runtime.ErrGroupPermissionDenied)
	errGroupFull       = fault.Wrap(fault.InvalidArgument, "Group is full.", runtime.ErrGroupFull)
	errGroupLastAdmin  = fault.Wrap(fault.InvalidArgument, "Cannot leave group when you are the last superadmin.", runtime.ErrGroupLastSuperadmin)
	errGroupUser       = fault.Wrap(fault.InvalidArgument, "One or more users not found.", runtime.ErrGroupUserNotFound)
	errGroupNoUpdate   = fault.Wrap(fault.InvalidArgument, "Specify at least one field to update.", runtime.ErrGroupNoUpdateOps)
	errGroupCursor     = fault.Wrap(fault.InvalidArgument, "Cursor is invalid.", runtime.ErrGroupUserInvalidCursor)
	errUserGroupCursor = fault.Wrap(fault.InvalidArgument, "Cursor is invalid.", runtime.ErrUserGroupInvalidCursor)
)

func bareGroup(err error) error {
	return bare(err, runtime.ErrGroupNotFound, runtime.ErrGroupPermissionDenied, runtime.ErrGroupFull, runtime.ErrGroupLastSuperadmin,
		runtime.ErrGroupUserNotFound, runtime.ErrGroupNoUpdateOps, runtime.ErrGroupNameInUse, runtime.ErrGroupCreatorInvalid,
		runtime.ErrGroupUserInvalidCursor, runtime.ErrUserGroupInvalidCursor)
}

var errGroupID = fault.New(fault.InvalidArgument, "Group ID must be set.")

// groupID parses a group id.
func groupID(text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, errGroupID
	}
	id, err := uuid.FromString(text)
	if err != nil || id.IsNil() {
		return uuid.Nil, invalid("Group ID must be a valid ID.")
	}
	return id, nil
}

// position returns the position of a new edge, after all others of its source:
// the time in nanoseconds, but unique.
func (c *Core) position() int64 {
	for {
		last := c.positions.Load()
		next := max(c.now().UnixNano(), last+1)
		if c.positions.CompareAndSwap(last, next) {
			return next
		}
	}
}

// groupFields are scanned by groupRow; groupColumns are the same with the
// table alias g.
const groupFields = "id, creator_id, name, description, avatar_url, lang_tag, metadata, state, edge_count, max_count, create_time, update_time"

var groupColumns = "g." + strings.ReplaceAll(groupFields, ", ", ", g.")

// liveGroup is the SQL condition for groups that are not disabled.
const liveGroup = "g.disable_time = '1970-01-01 00:00:00.000000+00:00'"

// groupRow is a row of groups being scanned.
type groupRow struct {
	id, creator         uuid.UUID
	name                string
	description, avatar sql.NullString
	lang, metadata      string
	state               int
	members, max        int32
	created, updated    time.Time
}

func (r *groupRow) into() []any {
	return []any{&r.id, &r.creator, &r.name, &r.description, &r.avatar, &r.lang, &r.metadata, &r.state, &r.members, &r.max, &r.created, &r.updated}
}

func (r *groupRow) group() *api.Group {
	return &api.Group{
		Id: r.id.String(), CreatorId: r.creator.String(), Name: r.name, Description: r.description.String, AvatarUrl: r.avatar.String,
		LangTag: r.lang, Metadata: r.metadata, Open: wrapperspb.Bool(r.state == 0), EdgeCount: r.members, MaxCount: r.max,
		CreateTime: seconds(r.created), UpdateTime: seconds(r.updated),
	}
}
