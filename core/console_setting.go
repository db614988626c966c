package core

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"kumi/core/acl"
	"kumi/core/consolepb"
	"kumi/store"
	"kumi/store/fault"
)

// ListSettings lists the settings of the console's pages, all or those with the given
// names, and the names of the resources of rights.
func (k *Console) ListSettings(ctx context.Context, in *consolepb.ListSettingsRequest) (*consolepb.SettingList, error) {
	rows, err := k.db.Reader().QueryContext(ctx, "SELECT name, value, update_time FROM setting ORDER BY name")
	if err != nil {
		return nil, failed("list settings", err)
	}
	defer rows.Close()
	list := &consolepb.SettingList{}
	for rows.Next() {
		s := &consolepb.Setting{}
		var updated time.Time
		if err := rows.Scan(&s.Name, &s.Value, &updated); err != nil {
			return nil, failed("list settings", err)
		}
		s.UpdateTimeSec = updated.Unix()
		if len(in.GetNames()) == 0 || slices.Contains(in.GetNames(), s.Name) {
			list.Settings = append(list.Settings, s)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, failed("list settings", err)
	}
	for _, r := range acl.Resources() {
		list.AclResources = append(list.AclResources, r.String())
	}
	return list, nil
}

// GetSetting returns a setting. NotFound if there is none of that name.
func (k *Console) GetSetting(ctx context.Context, in *consolepb.SettingRequest) (*consolepb.Setting, error) {
	list, err := k.ListSettings(ctx, &consolepb.ListSettingsRequest{Names: []string{in.Name}})
	if err != nil {
		return nil, err
	}
	if len(list.Settings) == 0 {
		return nil, fault.New(fault.NotFound, "Setting not found.")
	}
	return list.Settings[0], nil
}

// utcSetting says whether pages show times in UTC: true or false. There is no other one.
const utcSetting = "utc_toggle"

// UpdateSetting changes a setting. InvalidArgument for one that does not exist and for a
// value that it cannot have.
func (k *Console) UpdateSetting(ctx context.Context, in *consolepb.UpdateSettingRequest) (*consolepb.Setting, error) {
	if in.Name != utcSetting {
		return nil, invalid("There is no setting %q that can be changed.", in.Name)
	}
	var on bool
	if err := json.Unmarshal([]byte(in.Value), &on); err != nil {
		return nil, invalid("The value of %s must be true or false.", in.Name)
	}
	value, err := json.Marshal(on)
	if err != nil {
		return nil, failed("write the setting", err)
	}
	s := &consolepb.Setting{Name: in.Name}
	err = k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		var updated time.Time
		err := q.QueryRowContext(ctx, `INSERT INTO setting (name, value, update_time) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value, update_time = excluded.update_time RETURNING value, update_time`,
			in.Name, string(value), k.now()).Scan(&s.Value, &updated)
		s.UpdateTimeSec = updated.Unix()
		return err
	})
	if err != nil {
		return nil, failed("write the setting", err)
	}
	return s, nil
}
