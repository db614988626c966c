package core

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/store"
	"kumi/store/fault"
)

// newGroup is a group to be created.
type newGroup struct {
	name, lang, description, avatar string
	creator                         uuid.UUID
	open                            bool
	metadata                        string
	max                             int
}

// CreateGroup creates a group with the caller as its superadmin.
//
// Errors: InvalidArgument for a missing name or a bad size, AlreadyExists for
// a taken name.
func (c *Core) CreateGroup(ctx context.Context, caller uuid.UUID, in *api.CreateGroupRequest) (*api.Group, error) {
	return c.createGroup(ctx, caller, newGroup{
		name: in.GetName(), lang: in.GetLangTag(), description: in.GetDescription(), avatar: in.GetAvatarUrl(),
		creator: caller, open: in.GetOpen(), metadata: "{}", max: int(in.GetMaxCount()),
	})
}

func (c *Core) createGroup(ctx context.Context, user uuid.UUID, n newGroup) (*api.Group, error) {
	if n.name == "" {
		return nil, invalid("Group name must be set.")
	}
	if n.max < 0 {
		return nil, invalid("Group max count must be >= 1 when set.")
	}
	if n.max == 0 {
		n.max = defaultMaxCount
	}
	if n.lang == "" {
		n.lang = "en"
	}
	if err := checkGroupTexts("create group", &n.name, &n.description, &n.avatar, &n.lang); err != nil {
		return nil, err
	}
	state := 1
	if n.open {
		state = 0
	}
	metadata, err := c.db.Dialect().JSON(n.metadata)
	if err != nil {
		return nil, groupError("create group", err, fault.AlreadyExists)
	}
	id, err := uuid.NewV4()
	if err != nil {
		return nil, failed("create group", err)
	}
	var made groupRow
	err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		names, err := usernames(ctx, c.db.Dialect(), q, []uuid.UUID{user})
		if err != nil {
			return err
		}
		if _, known := names[user]; !known || user.IsNil() {
			return fault.Wrap(fault.NotFound, errAccountNotFound.Message, runtime.ErrGroupCreatorInvalid)
		}
		err = q.QueryRowContext(ctx, `INSERT INTO groups (id, creator_id, name, description, avatar_url, lang_tag, metadata, state, edge_count, max_count)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9) RETURNING `+groupFields,
			id, n.creator, n.name, textOrNull(n.description), textOrNull(n.avatar), n.lang, metadata, state, n.max).Scan(made.into()...)
		if err != nil {
			return err
		}
		g := &groupWork{c: c, q: q, id: id}
		return g.connect(ctx, user, groupSuperadmin)
	})
	if err != nil {
		return nil, groupError("create group", err, fault.AlreadyExists)
	}
	return made.group(), nil
}

// checkGroupTexts checks the lengths of those texts that are given.
func checkGroupTexts(doing string, name, description, avatar, lang *string) error {
	for _, f := range []struct {
		name     string
		value    *string
		maxChars int
	}{{"name", name, 255}, {"description", description, 255}, {"avatar_url", avatar, 512}, {"lang_tag", lang, 18}} {
		if f.value == nil {
			continue
		}
		if err := checkLength("Error while trying to "+doing+".", f.name, *f.value, f.maxChars); err != nil {
			return err
		}
	}
	return nil
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// groupError returns the error of a change; taken is the code for the name of
// another group.
func groupError(doing string, err error, taken fault.Code) error {
	if name, ok := store.IsUnique(err); ok && name == "groups_name_key" {
		return fault.Wrap(taken, "Group name is in use.", runtime.ErrGroupNameInUse)
	}
	if name, ok := store.IsCheck(err); ok && strings.HasPrefix(name, "groups_") {
		return fault.Wrap(fault.InvalidArgument, "Group max count must not be below its number of members.", err)
	}
	if store.IsInvalidText(err) {
		return fault.Wrap(fault.InvalidArgument, "Group has text that cannot be stored.", err)
	}
	return failed(doing, err)
}

// GroupChange is a change of a group. Nil fields are left unchanged.
type GroupChange struct {
	Name, LangTag          *string // not empty
	Description, AvatarURL *string // empty clears
	CreatorID              *uuid.UUID
	Open                   *bool
	Metadata               map[string]any // replaces the object
	MaxCount               *int           // 1 or more
}

// UpdateGroup changes a group that the caller is an admin of.
//
// Errors: InvalidArgument for a bad id, no change, or an empty or taken name;
// NotFound for a group that does not exist or that the caller may not change.
func (c *Core) UpdateGroup(ctx context.Context, caller uuid.UUID, in *api.UpdateGroupRequest) error {
	group, err := groupID(in.GetGroupId())
	if err != nil {
		return err
	}
	ch := GroupChange{Name: given(in.GetName()), LangTag: given(in.GetLangTag()), Description: given(in.GetDescription()), AvatarURL: given(in.GetAvatarUrl())}
	if open := in.GetOpen(); open != nil {
		ch.Open = &open.Value
	}
	err = c.updateGroup(ctx, caller, group, ch)
	if errors.Is(err, runtime.ErrGroupNotFound) || errors.Is(err, runtime.ErrGroupPermissionDenied) {
		return errGroupUpdate
	}
	return err
}

func given(v *wrapperspb.StringValue) *string {
	if v == nil {
		return nil
	}
	return &v.Value
}

// updateGroup changes a group for an admin, or for the server if caller is
// nil.
func (c *Core) updateGroup(ctx context.Context, caller, group uuid.UUID, ch GroupChange) error {
	if err := checkGroupTexts("update group", ch.Name, ch.Description, ch.AvatarURL, ch.LangTag); err != nil {
		return err
	}
	var set []string
	args := []any{group}
	change := func(column string, value any) {
		args = append(args, value)
		set = append(set, column+" = $"+strconv.Itoa(len(args)))
	}
	if ch.Name != nil {
		if *ch.Name == "" {
			return invalid("Group name cannot be empty.")
		}
		change("name", *ch.Name)
	}
	if ch.LangTag != nil {
		if *ch.LangTag == "" {
			return invalid("Group language cannot be empty.")
		}
		change("lang_tag", *ch.LangTag)
	}
	if ch.Description != nil {
		change("description", textOrNull(*ch.Description))
	}
	if ch.AvatarURL != nil {
		change("avatar_url", textOrNull(*ch.AvatarURL))
	}
	if ch.CreatorID != nil {
		change("creator_id", *ch.CreatorID)
	}
	if ch.Open != nil {
		state := 1
		if *ch.Open {
			state = 0
		}
		change("state", state)
	}
	if ch.Metadata != nil {
		text, err := objectText(ch.Metadata)
		if err != nil {
			return invalid("group metadata cannot be written as JSON: %v", err)
		}
		if text, err = c.db.Dialect().JSON(text); err != nil {
			return groupError("update group", err, fault.InvalidArgument)
		}
		change("metadata", text)
	}
	if ch.MaxCount != nil {
		if *ch.MaxCount < 1 {
			return invalid("Group max count must be >= 1 when set.")
		}
		change("max_count", *ch.MaxCount)
	}
	if len(set) == 0 {
		return errGroupNoUpdate
	}
	err := c.inGroup(ctx, group, func(ctx context.Context, g *groupWork) error {
		if _, err := g.manager(ctx, caller); err != nil {
			return err
		}
		_, err := g.q.ExecContext(ctx, "UPDATE groups SET "+strings.Join(set, ", ")+", update_time = now() WHERE id = $1", args...)
		return err
	})
	if err != nil {
		return groupError("update group", err, fault.InvalidArgument)
	}
	return nil
}

// DeleteGroup deletes a group that the caller is a superadmin of, and removes
// everyone from its channel. Errors: InvalidArgument.
func (c *Core) DeleteGroup(ctx context.Context, caller uuid.UUID, in *api.DeleteGroupRequest) error {
	group, err := groupID(in.GetGroupId())
	if err != nil {
		return err
	}
	err = c.deleteGroup(ctx, &caller, group)
	if fault.CodeOf(err) == fault.NotFound {
		return errGroupDelete
	}
	return err
}

// deleteGroup checks no permissions if caller is nil.
func (c *Core) deleteGroup(ctx context.Context, caller *uuid.UUID, group uuid.UUID) error {
	err := c.inGroup(ctx, group, func(ctx context.Context, g *groupWork) error {
		if caller != nil {
			if state, err := g.state(ctx, *caller); err != nil {
				return err
			} else if state != groupSuperadmin {
				return errGroupDelete
			}
		}
		return g.delete(ctx)
	})
	if err != nil {
		return failed("delete group", err)
	}
	return nil
}
