package core

import "github.com/heroiclabs/nakama-common/rtapi"

// StatusFollow implements runtime.NakamaModule: the session receives the
// status events of the users from now on. An unknown session is no error. Code
// 3 for ids.
func (m *Module) StatusFollow(session string, users []string) error {
	id, err := sessionID(session)
	if err != nil {
		return err
	}
	ids, err := followedIDs(users)
	if err != nil {
		return err
	}
	m.core.tracker.Follow(id, ids...)
	return nil
}

// StatusUnfollow implements runtime.NakamaModule. Code 3 for ids.
func (m *Module) StatusUnfollow(session string, users []string) error {
	id, err := sessionID(session)
	if err != nil {
		return err
	}
	return m.core.UnfollowStatus(id, &rtapi.StatusUnfollow{UserIds: users})
}
