package api

import "github.com/heroiclabs/nakama-common/api"

func writeLeaderboardRecord(c *call, in *api.WriteLeaderboardRecordRequest) (*api.LeaderboardRecord, error) {
	return c.Core.WriteLeaderboardRecord(c.ctx, c.caller(), c.claims.Username, in)
}

func writeTournamentRecord(c *call, in *api.WriteTournamentRecordRequest) (*api.LeaderboardRecord, error) {
	return c.Core.WriteTournamentRecord(c.ctx, c.caller(), c.claims.Username, in)
}

func joinTournament(c *call, in *api.JoinTournamentRequest) error {
	return c.Core.JoinTournament(c.ctx, c.caller(), c.claims.Username, in)
}
