package core

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/store"
	"kumi/store/fault"
)

// accountImport is the part of an export that belongs to the user alone. Friends, groups,
// messages and leaderboard records would need their counterparts.
type accountImport struct {
	Account       *api.Account
	Objects       []*api.StorageObject
	Notifications []*api.Notification
	Ledger        []*consolepb.WalletLedger
}

func readImport(data string) (*accountImport, error) {
	var in consolepb.AccountExport
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(data), &in); err != nil {
		return nil, err
	}
	if in.Account == nil {
		return nil, errors.New("it has no account")
	}
	return &accountImport{in.Account, in.Objects, in.Notifications, in.WalletLedgers}, nil
}

// AccountImportId implements runtime.NakamaModule: it creates the account of
// an export, or overwrites an existing one, with its devices, storage objects,
// notifications and wallet ledger. id is the user to import into, by default
// the one in the data. Exports contain no passwords, so an existing password
// is kept.
//
// Errors: InvalidArgument for data that is not an export, AlreadyExists if a
// name or identity in it belongs to another account.
func (m *Module) AccountImportId(ctx context.Context, data, id string) (*api.Account, error) {
	in, err := readImport(data)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, "expects the data of an account export: "+err.Error(), err)
	}
	if id == "" {
		id = in.Account.GetUser().GetId()
	}
	user, err := userID(id)
	if err != nil {
		return nil, err
	}
	if user.IsNil() {
		return nil, errSystemUser
	}
	username, err := usernameOrNew(in.Account.GetUser().GetUsername())
	if err != nil {
		return nil, err
	}
	err = m.core.storageTx(ctx, in.objectIDs(user), func(ctx context.Context, q store.Querier) error {
		return m.core.importAccount(ctx, q, user, username, in)
	})
	if _, taken := store.IsUnique(err); taken {
		return nil, fault.Wrap(fault.AlreadyExists, "the name or an identity of the account is already in use", err)
	}
	if err != nil {
		return nil, failed("import the user account", err)
	}
	return m.core.account(ctx, user)
}

// objectIDs yields the storage objects, as those of a user.
func (in *accountImport) objectIDs(user uuid.UUID) iter.Seq[objectID] {
	return func(yield func(objectID) bool) {
		for _, o := range in.Objects {
			if !yield(objectID{o.GetCollection(), o.GetKey(), user}) {
				return
			}
		}
	}
}

func (c *Core) importAccount(ctx context.Context, q store.Querier, user uuid.UUID, username string, in *accountImport) error {
	// Texts of the API are empty where the database has NULL.
	null := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	u := in.Account.GetUser()
	metadata, err := c.importJSON(u.GetMetadata())
	if err != nil {
		return err
	}
	wallet, err := c.importJSON(in.Account.GetWallet())
	if err != nil {
		return err
	}
	lang := u.GetLangTag()
	if lang == "" {
		lang = "en"
	}
	_, err = q.ExecContext(ctx, `INSERT INTO users (id, username, display_name, avatar_url, lang_tag, location, timezone, metadata, wallet,
		email, custom_id, apple_id, facebook_id, facebook_instant_game_id, google_id, gamecenter_id, steam_id,
		create_time, verify_time, disable_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT (id) DO UPDATE SET username = excluded.username, display_name = excluded.display_name,
		avatar_url = excluded.avatar_url, lang_tag = excluded.lang_tag, location = excluded.location, timezone = excluded.timezone,
		metadata = excluded.metadata, wallet = excluded.wallet, email = excluded.email, custom_id = excluded.custom_id,
		apple_id = excluded.apple_id, facebook_id = excluded.facebook_id,
		facebook_instant_game_id = excluded.facebook_instant_game_id, google_id = excluded.google_id,
		gamecenter_id = excluded.gamecenter_id, steam_id = excluded.steam_id, update_time = now(),
		verify_time = excluded.verify_time, disable_time = excluded.disable_time`,
		user, username, null(u.GetDisplayName()), null(u.GetAvatarUrl()), lang, null(u.GetLocation()), null(u.GetTimezone()),
		metadata, wallet, null(in.Account.GetEmail()), null(in.Account.GetCustomId()), null(u.GetAppleId()),
		null(u.GetFacebookId()), null(u.GetFacebookInstantGameId()), null(u.GetGoogleId()), null(u.GetGamecenterId()),
		null(u.GetSteamId()), timeOr(u.GetCreateTime(), c.now()), timeOr(in.Account.GetVerifyTime(), store.Epoch),
		timeOr(in.Account.GetDisableTime(), store.Epoch))
	if err != nil {
		return err
	}
	for _, device := range in.Account.GetDevices() {
		// The primary key rejects the device of another account.
		_, err := q.ExecContext(ctx, "INSERT INTO user_device (id, user_id) VALUES ($1, $2) ON CONFLICT (user_id, id) DO NOTHING",
			device.GetId(), user)
		if err != nil {
			return err
		}
	}
	if err := c.importObjects(ctx, q, user, in.Objects); err != nil {
		return err
	}
	for _, n := range in.Notifications {
		content, err := c.importJSON(n.GetContent())
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, `INSERT INTO notification (id, user_id, subject, content, code, sender_id, create_time)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`, n.GetId(), user, n.GetSubject(), content, n.GetCode(),
			uuid.FromStringOrNil(n.GetSenderId()), timeOr(n.GetCreateTime(), c.now()))
		if err != nil {
			return err
		}
	}
	for _, i := range in.Ledger {
		changeset, err := c.importJSON(i.Changeset)
		if err != nil {
			return err
		}
		note, err := c.importJSON(i.Metadata)
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, `INSERT INTO wallet_ledger (id, user_id, changeset, metadata, create_time, update_time)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`, i.Id, user, changeset, note, timeOr(i.CreateTime, c.now()), timeOr(i.UpdateTime, c.now()))
		if err != nil {
			return err
		}
	}
	return nil
}

// importObjects stores the objects of an export as those of a user, with their versions
// and times.
func (c *Core) importObjects(ctx context.Context, q store.Querier, user uuid.UUID, objects []*api.StorageObject) error {
	for _, o := range objects {
		id, err := newObjectID(o.GetCollection(), o.GetKey(), user)
		if err != nil {
			return err
		}
		value, err := c.importJSON(o.GetValue())
		if err != nil {
			return err
		}
		now := c.now()
		if _, err := q.ExecContext(ctx, `INSERT INTO storage (collection, key, user_id, value, version, read, write, create_time, update_time)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (collection, key, user_id) DO UPDATE
			SET value = excluded.value, version = excluded.version, read = excluded.read, write = excluded.write, update_time = excluded.update_time`,
			id.collection, id.key, user, value, o.GetVersion(), o.GetPermissionRead(), o.GetPermissionWrite(),
			timeOr(o.GetCreateTime(), now), timeOr(o.GetUpdateTime(), now)); err != nil {
			return err
		}
	}
	return nil
}

// importJSON returns JSON of an export as it is stored; without any, an empty object.
func (c *Core) importJSON(text string) (string, error) {
	if text == "" {
		return "{}", nil
	}
	stored, err := c.db.Dialect().JSON(text)
	if err != nil {
		return "", fault.Wrap(fault.InvalidArgument, "the export holds bad json: "+err.Error(), err)
	}
	return stored, nil
}

func timeOr(t *timestamppb.Timestamp, none time.Time) time.Time {
	if t == nil {
		return none
	}
	return t.AsTime()
}
