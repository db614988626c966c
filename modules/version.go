package modules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

var loads atomic.Uint64

// version tells a load of files with a digest from others, and by the part after
// the dash says whether the files differ.
func version(digest string) string { return fmt.Sprintf("%d-%s", loads.Add(1), digest[:8]) }

// Source says whether a file of a modules folder, by its name, is one that
// loading looks at.
func Source(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".tsx", ".jsx", ".json", ".lua", ".so":
		return true
	}
	return false
}

// Skipped says whether a folder below a modules folder, by its name, is left
// alone: hidden ones and installed packages.
func Skipped(name string) bool { return name == "node_modules" || strings.HasPrefix(name, ".") }

// Digest is a checksum of the files of a modules folder, in hex. A folder that
// cannot be read has no files.
func Digest(path string) string {
	sum := sha256.New()
	_ = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case d.IsDir() && name != path && Skipped(d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !Source(name):
			return nil
		}
		if content, err := os.ReadFile(name); err == nil {
			fmt.Fprintf(sum, "%s %d\n", name, len(content))
			sum.Write(content)
		}
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}
