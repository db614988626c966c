package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kumi/config"
	"kumi/modules/golang"
)

// isFolder checks that the modules folder is one. The default folder need not exist:
// the server may have Go modules compiled in.
func isFolder(cfg *config.Config) error {
	folder := cfg.Runtime.Path
	info, err := os.Stat(folder)
	switch standard := filepath.Join(cfg.DataDir, "modules"); {
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is not a folder", folder)
	case err != nil && folder != standard:
		return noFolder(folder)
	}
	return nil
}

func noFolder(folder string) error {
	return fmt.Errorf("there is no folder %s: set runtime.path to the folder of the modules", folder)
}

// folderNote returns what to say of a modules folder that is not there; empty if it is.
func folderNote(cfg *config.Config) string {
	if _, err := os.Stat(cfg.Runtime.Path); !errors.Is(err, fs.ErrNotExist) || golang.Compiled() > 0 {
		return ""
	}
	return fmt.Sprintf("there is no modules folder %s, so nothing is loaded: set runtime.path to the folder of the modules", cfg.Runtime.Path)
}

// makeFolder makes the modules folder and returns what to say of that; empty if it was there.
func makeFolder(cfg *config.Config) (note string, err error) {
	if _, err := os.Stat(cfg.Runtime.Path); !errors.Is(err, fs.ErrNotExist) {
		return "", isFolder(cfg)
	}
	if err := os.MkdirAll(cfg.Runtime.Path, 0o755); err != nil {
		return "", fmt.Errorf("make the modules folder: %w", err)
	}
	return fmt.Sprintf("there was no modules folder %s: it has been made", cfg.Runtime.Path), nil
}
