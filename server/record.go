package server

import (
	"path/filepath"

	"kumi/cluster"
	"kumi/match"
)

// newRecorder makes what records matches, as the settings say.
func (s *Server) newRecorder() *match.Recorder {
	cfg := &s.config.Match
	folder := cfg.RecordFolder
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(s.config.DataDir, folder)
	}
	return match.NewRecorder(match.RecorderOptions{
		Mode: match.RecordMode(cfg.Record), MaxMatch: cfg.RecordMaxKB << 10, MaxAll: int64(cfg.RecordMaxMemoryMB) << 20,
		Folder: folder, MaxFolder: int64(cfg.RecordMaxFolderMB) << 20, Version: Version, Logger: s.log,
		EncodeParams: cluster.EncodeParams, DecodeParams: cluster.DecodeParams,
	})
}

// Recorder returns what records matches.
func (s *Server) Recorder() *match.Recorder { return s.recorder }
