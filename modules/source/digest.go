package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// Sums returns a checksum of each file of a modules folder, by its path. Files that cannot
// be read are left out.
func Sums(folder string) map[string][sha256.Size]byte {
	sums := map[string][sha256.Size]byte{}
	_ = Walk(folder, func(file, path string) error {
		if content, err := os.ReadFile(file); err == nil {
			sums[path] = sha256.Sum256(content)
		}
		return nil
	})
	return sums
}

// TestSums returns a checksum of each test file of a modules folder, by its path.
func TestSums(folder string) map[string][sha256.Size]byte {
	sums := map[string][sha256.Size]byte{}
	paths, _ := Tests(folder) // what cannot be read has no tests
	for _, path := range paths {
		if content, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(path))); err == nil {
			sums[path] = sha256.Sum256(content)
		}
	}
	return sums
}

// Changed returns the paths of files that were added, changed or removed between two
// results of Sums, in order.
func Changed(before, now map[string][sha256.Size]byte) (paths []string) {
	for path, sum := range now {
		if was, ok := before[path]; !ok || was != sum {
			paths = append(paths, path)
		}
	}
	for path := range before {
		if _, ok := now[path]; !ok {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}
