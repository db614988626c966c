package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
)

// Digest returns a checksum of the files of a modules folder, in hex. It does not
// depend on the path of the folder. A folder that cannot be read counts as empty.
func Digest(folder string) string {
	sum := sha256.New()
	_ = Walk(folder, func(file, path string) error {
		if content, err := os.ReadFile(file); err == nil {
			fmt.Fprintf(sum, "%s %d\n", path, len(content))
			sum.Write(content)
		}
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}
