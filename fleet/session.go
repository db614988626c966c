package fleet

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Join implements runtime.FleetManager: it reserves a slot for each user, for one
// minute, and tells the game server their session ids and the metadata.
//
// Errors: NotFound, FailedPrecondition if the game server is not running,
// ResourceExhausted if it has not enough free slots.
func (m *Manager) Join(_ context.Context, id string, userIds []string, metadata map[string]string) (*runtime.JoinInfo, error) {
	if len(userIds) == 0 {
		return nil, invalid("expects at least one user")
	}
	in, joined, err := m.join(id, userIds)
	if err != nil {
		return nil, err
	}
	in.tell(joined.SessionInfo, metadata)
	return joined, nil
}

func (m *Manager) join(id string, users []string) (*instance, *runtime.JoinInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	in, err := m.find(id)
	if err != nil {
		return nil, nil, err
	}
	if in.status != Running {
		return nil, nil, fault.Newf(fault.FailedPrecondition, "the game server is %s", in.status)
	}
	now := m.o.Now()
	in.expire(now)
	if free := in.free(); len(users) > free {
		return nil, nil, fault.Newf(fault.ResourceExhausted, "the game server has %d free slots, not %d", free, len(users))
	}
	sessions := in.reserve(users, now)
	return in, &runtime.JoinInfo{InstanceInfo: in.info(m.o.Address), SessionInfo: sessions}, nil
}

// reserve takes a slot for each user; nil for no users. The lock is held.
func (in *instance) reserve(users []string, now time.Time) (sessions []*runtime.SessionInfo) {
	for _, user := range users {
		sessions = append(sessions, &runtime.SessionInfo{UserId: user, SessionId: uuid.Must(uuid.NewV4()).String()})
		in.reserved = append(in.reserved, now.Add(reservationTime))
	}
	in.noteIdle(now)
	return sessions
}

// Update implements runtime.FleetManagerInitializer: it sets the number of players, and
// the metadata unless it is nil. Players who came use the oldest reservations.
//
// Errors: NotFound, InvalidArgument for a number below 0 or above the maximum.
func (m *Manager) Update(_ context.Context, id string, playerCount int, metadata map[string]any) error {
	text := ""
	if metadata != nil {
		var err error
		if text, err = encode(metadata); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	in, err := m.find(id)
	if err != nil {
		return err
	}
	if playerCount < 0 || playerCount > in.maxPlayers {
		return invalid("the number of players must be from 0 to %d, not %d", in.maxPlayers, playerCount)
	}
	in.setPlayers(playerCount, m.o.Now())
	if text != "" {
		in.metadata = text
	}
	return nil
}

// Delete implements runtime.FleetManagerInitializer: it asks a game server to end, and
// kills it after the grace period. It does not wait for that: until then the game
// server is listed with the status "stopping".
//
// Errors: NotFound.
func (m *Manager) Delete(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	in, err := m.find(id)
	if err != nil {
		return err
	}
	m.stop(in, "it was deleted")
	return nil
}
