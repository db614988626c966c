package server

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/modules"
	"kumi/modules/source"
)

// What a report shows of an error and of a line, in bytes.
const (
	maxShownError = 16 << 10
	maxShownLine  = 500
)

// shown cuts a text and makes it valid.
func shown(text string, max int) string {
	if len(text) > max {
		text = text[:max] + "…"
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

// beginReport begins what the console shows of a reload. Its lock is held.
func (s *Server) beginReport(began time.Time, old *modules.Set) *consolepb.Reload {
	r, path := &s.reloads, s.config.Runtime.Path
	report := &consolepb.Reload{Time: timestamppb.New(began), Before: old.Version, Digest: source.Digest(path)}
	now := source.Sums(path)
	for _, path := range source.Changed(r.sums, now) {
		report.Files = append(report.Files, shown(path, maxShownLine))
	}
	r.sums = now
	return report
}

// report completes a report with the modules that are in use now, and publishes it.
func (s *Server) report(report *consolepb.Reload, used *modules.Set, err error) {
	report.Version, report.TookMs = used.Version, float64(time.Since(report.Time.AsTime()).Microseconds())/1000
	if err != nil {
		report.Error = &consolepb.Reload_Error{Message: shown(err.Error(), maxShownError)}
		if at, ok := source.PlaceOf(s.config.Runtime.Path, err.Error()); ok {
			report.Error.File, report.Error.Line, report.Error.Column = at.File, int32(at.Line), int32(at.Column)
			for i, text := range at.Text {
				report.Error.Source = append(report.Error.Source, &consolepb.Reload_Line{Number: int32(at.First + i), Text: shown(text, maxShownLine)})
			}
		}
	}
	s.reloads.done.Add(report)
}
