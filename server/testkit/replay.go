package testkit

import (
	"path/filepath"

	"kumi/server/replay"
	"kumi/vm"
)

// replayOf replays the recording of a match on the modules under test. It returns how it
// differs, an empty list if it does not. The path is relative to the modules folder.
func replayOf(h *host, c *vm.Call) error {
	file := c.StrNonEmpty("file")
	if err := c.Err(); err != nil {
		return err
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(h.config.Runtime.Path, filepath.FromSlash(file))
	}
	list := []any{}
	return h.later(c, func() error {
		rec, err := replay.Read(file)
		if err != nil {
			return err
		}
		report, err := replay.On(h.Server).Run(c.Ctx, rec, nil)
		if err != nil {
			return err
		}
		for _, line := range report.Lines() {
			list = append(list, line)
		}
		return nil
	}, func(c *vm.Call) error { return c.ReturnAny("differences", list, nil) })
}
