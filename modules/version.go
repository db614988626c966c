package modules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"sync/atomic"
)

var loads atomic.Uint64

// version tells a load of files with a digest from others, and by the part after
// the dash says whether the files differ.
func version(digest string) string { return fmt.Sprintf("%d-%s", loads.Add(1), digest[:8]) }

// Digest is a checksum of the files of a modules folder, in hex: the same for the
// same files, wherever the folder is. A folder that cannot be read has no files.
func Digest(folder string) string {
	sum := sha256.New()
	_ = walk(folder, func(file, path string) error {
		if content, err := os.ReadFile(file); err == nil {
			fmt.Fprintf(sum, "%s %d\n", path, len(content))
			sum.Write(content)
		}
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}
