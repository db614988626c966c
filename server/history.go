package server

import (
	"context"
	"encoding/json"
	"time"

	"kumi/server/history"
	"kumi/server/metrics"
)

// recordHistory keeps the figures of the last day, until the server stops. With
// console.metrics_database it begins with those that are in the database.
func (s *Server) recordHistory() {
	ctx := s.reloads.ctx
	s.restoreHistory(ctx)
	s.reloads.work.Go(func() {
		ticker := time.NewTicker(history.Fine)
		defer ticker.Stop()
		values := make([]float32, len(s.history.Series()))
		for minute := int64(0); ; {
			select {
			case now := <-ticker.C:
				s.figures.Next(now, values)
				if done, ok := s.history.Add(now, values); ok && s.config.Console.MetricsDatabase {
					s.saveHistory(ctx, done)
				}
				if m := now.Unix() / 60; m != minute {
					minute = m
					s.metrics.KeepCalls()
				}
			case <-ctx.Done():
				return
			}
		}
	})
}

// newHistory makes the history of a server that has a console.
func (s *Server) newHistory() {
	s.figures = metrics.NewFigures(s.metrics, s.db, func() metrics.Open {
		g := s.game
		return metrics.Open{Sessions: g.Sessions.Count(), Presences: g.Tracker.Own(), Matches: g.Matches.Count(), Parties: g.Parties.Count()}
	})
	s.history = history.New(s.figures.Series())
}

// saveHistory stores a point, as the values by name: another version has other series.
func (s *Server) saveHistory(ctx context.Context, p history.Point) {
	values := make(map[string]float32, len(p.Values))
	for i, series := range s.history.Series() {
		values[series.Name] = p.Values[i]
	}
	text, err := json.Marshal(values)
	if err == nil {
		err = s.game.Core.SaveMetrics(ctx, p.At, string(text))
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn().Err(err).Msg("metrics cannot be stored")
	}
}

func (s *Server) restoreHistory(ctx context.Context) {
	if !s.config.Console.MetricsDatabase {
		return
	}
	var points []history.Point
	err := s.game.Core.LoadMetrics(ctx, func(at int64, text string) error {
		var values map[string]float32
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			return err
		}
		p := history.Point{At: at, Values: make([]float32, len(s.history.Series()))}
		for i, series := range s.history.Series() {
			p.Values[i] = values[series.Name]
		}
		points = append(points, p)
		return nil
	})
	if err != nil {
		s.log.Warn().Err(err).Msg("stored metrics cannot be read")
	}
	s.history.Restore(points)
}
