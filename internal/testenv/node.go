package testenv

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Root is the folder of this module's go.mod, above the folder that the test
// runs in. Unlike runtime.Caller it is right with -trimpath, too.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module kumi\n") {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("the test does not run in a folder of the module kumi")
		}
		dir = filepath.Dir(dir)
	}
}

// NodeModules returns a fresh folder with the Node.js packages of a
// package-lock.json, which is in a folder of this module. They are installed
// once and kept in the user's cache folder. The test is skipped where Node.js
// or the packages are not available.
func NodeModules(t testing.TB, manifest string) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			Skip(t, "needs Node.js: "+tool+" is not installed")
		}
	}
	manifest = filepath.Join(Root(t), manifest)
	installed, err := npmInstall(t, manifest)
	if err != nil {
		Skip(t, "could not install the packages of "+manifest+": "+err.Error())
	}
	dir := t.TempDir()
	if err := copyManifest(manifest, dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(installed, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// npmInstall returns the folder where the packages of a manifest are installed.
// Several tests may install the same: the first one that is done keeps its
// folder.
func npmInstall(t testing.TB, manifest string) (string, error) {
	lock, err := os.ReadFile(filepath.Join(manifest, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "kumi-test", "npm-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "install-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := copyManifest(manifest, work); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(err.Error() + "\n" + string(out))
	}
	if err := os.Rename(work, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			return "", err
		}
	}
	return dir, nil
}

// copyManifest copies the files that npm reads.
func copyManifest(from, to string) error {
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, os.ErrNotExist) && name == ".npmrc" {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
