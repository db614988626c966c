package core

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
	"kumi/store/fault"
)

// StatusFollow implements runtime.NakamaModule: the session receives the
// status events of the users from now on. An unknown session is no error. Code
// 3 for ids, 14 if the session's node does not answer.
func (m *Module) StatusFollow(session string, users []string) error {
	return m.follow(presence.ActFollow, session, users)
}

// StatusUnfollow implements runtime.NakamaModule. Codes are those of StatusFollow.
func (m *Module) StatusUnfollow(session string, users []string) error {
	return m.follow(presence.ActUnfollow, session, users)
}

func (m *Module) follow(do presence.SessionAction, session string, users []string) error {
	id, err := sessionID(session)
	if err != nil {
		return err
	}
	var ids []uuid.UUID
	if ids, err = followedIDs(users); err != nil {
		return err
	}
	_, err = m.act(context.Background(), presence.SessionCall{Do: do, Session: id, Users: ids})
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	return err
}
