package core

import (
	"context"
	"encoding/json"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/core/rank"
	"kumi/store"
	"kumi/store/fault"
)

// CreateLeaderboard creates a leaderboard, or with a duration a tournament.
//
// Errors: InvalidArgument, which names what is wrong; AlreadyExists for an id in use.
func (k *Console) CreateLeaderboard(ctx context.Context, in *consolepb.CreateLeaderboardRequest) (*consolepb.Leaderboard, error) {
	var metadata map[string]any
	if in.Metadata != "" {
		if err := json.Unmarshal([]byte(in.Metadata), &metadata); err != nil || metadata == nil {
			return nil, invalid("Metadata must be a JSON object.")
		}
	}
	b, err := k.newBoard(in.Id, in.Authoritative, orWord(in.SortOrder, "desc"), orWord(in.Operator, "best"), in.ResetSchedule, metadata, !in.DisableRanks)
	if err != nil {
		return nil, err
	}
	if in.Metadata != "" { // as it is: numbers keep their digits
		if b.metadata, err = k.db.Dialect().JSON(in.Metadata); err != nil {
			return nil, fault.Wrap(fault.InvalidArgument, "The metadata cannot be stored: "+err.Error(), err)
		}
	}
	if in.Duration != 0 {
		err := k.newTournament(b, tournamentOptions{
			title: in.Title, description: in.Description, category: int(in.Category), start: unixOf(in.StartTime), end: unixOf(in.EndTime),
			duration: int(in.Duration), maxSize: int(in.MaxSize), maxNumScore: int(in.MaxNumScore), joinRequired: in.JoinRequired,
		})
		if err != nil {
			return nil, err
		}
	}
	old, err := findBoard(ctx, k.db.Reader(), b.id, "")
	if err != nil {
		return nil, failed("create a leaderboard", err)
	}
	if old != nil {
		return nil, fault.Newf(fault.AlreadyExists, "There is a leaderboard or a tournament %q.", b.id)
	}
	if err := k.createBoard(ctx, b); err != nil {
		return nil, err
	}
	return k.GetLeaderboard(ctx, &consolepb.LeaderboardRequest{Id: b.id})
}

func orWord(word, missing string) string {
	if word == "" {
		return missing
	}
	return word
}

func unixOf(t *timestamppb.Timestamp) int {
	if t == nil {
		return 0
	}
	return int(t.Seconds)
}

// ResetLeaderboard ends the current period of a leaderboard or a tournament at once: its
// records become those of a past period that expired now, which can still be listed by
// that time, and the modules' handler of resets is called, by any server on the database.
// The schedule stays as it is. NotFound if there is no such board.
func (k *Console) ResetLeaderboard(ctx context.Context, in *consolepb.LeaderboardRequest) (*consolepb.ResetLeaderboardResponse, error) {
	b, err := k.leaderboard(ctx, in.Id)
	if err != nil {
		return nil, err
	}
	now := time.Unix(k.now().Unix(), 0).UTC()
	current := k.periodOf(b, now.Unix()).expiry()
	out := &consolepb.ResetLeaderboardResponse{ResetTime: now.Unix()}
	err = k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		moved, err := q.ExecContext(ctx, "UPDATE leaderboard_record SET expiry_time = $3 WHERE leaderboard_id = $1 AND expiry_time = $2", b.id, current, now)
		if err != nil {
			return err
		}
		if out.Records, err = moved.RowsAffected(); err != nil {
			return err
		}
		for _, expiry := range []time.Time{current, now} {
			if err := k.rankIndex.Forget(ctx, q, rank.Period{Board: b.id, Expiry: expiry}); err != nil {
				return err
			}
		}
		if b.limited() {
			if _, err := q.ExecContext(ctx, "UPDATE leaderboard SET size = 0 WHERE id = $1", b.id); err != nil {
				return err
			}
		}
		_, err = q.ExecContext(ctx, `INSERT INTO kumi_board_event (board, kind, run_at) VALUES ($1, $2, $3)
			ON CONFLICT (board, kind) DO UPDATE SET run_at = excluded.run_at`, b.id, earlyReset, now.Unix())
		return err
	})
	if _, taken := store.IsUnique(err); taken {
		return nil, fault.Wrap(fault.Aborted, "The leaderboard was reset in this second already.", err)
	}
	if err != nil {
		return nil, failed("reset the leaderboard", err)
	}
	k.boardsChanged()
	return out, nil
}

// WriteRecord merges a score into an owner's record of the current period, also if only
// the server may write to the leaderboard. Errors as for scores of clients.
func (k *Console) WriteRecord(ctx context.Context, in *consolepb.WriteRecordRequest) (*api.LeaderboardRecord, error) {
	owner, err := consoleID("owner", in.OwnerId)
	if err != nil {
		return nil, err
	}
	op, err := apiOperator(in.Operator)
	if err != nil {
		return nil, err
	}
	username := in.Username
	if username == "" {
		// The name in the record is a copy; that of an account is known.
		account, err := k.account(ctx, owner)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return nil, err
		}
		username = account.GetUser().GetUsername()
	}
	return k.submitScore(ctx, in.Id, &submission{
		owner: owner, username: username, score: in.Score, subscore: in.Subscore, metadata: in.Metadata, operator: op,
	}, false)
}
