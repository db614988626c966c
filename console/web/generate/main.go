// Command generate builds the console's page from its sources into console/web/dist,
// after installing the packages that it is made of, for which it needs npm. With -check
// it changes nothing and fails if the build that is there is another one.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"kumi/console/web"
)

func main() {
	check := flag.Bool("check", false, "compare instead of writing, and check the types")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(check bool) error {
	dir, err := sources()
	if err != nil {
		return err
	}
	if err := install(dir); err != nil {
		return err
	}
	files, err := web.Build(dir)
	if err != nil {
		return err
	}
	dist := filepath.Join(dir, "dist")
	if !check {
		return write(dist, files)
	}
	if err := command(dir, filepath.Join("node_modules", ".bin", "tsc"), "--noEmit"); err != nil {
		return err
	}
	return compare(dist, files)
}

// sources returns the folder of the page, seen from any folder of the module.
func sources() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if web := filepath.Join(dir, web.Sources); exists(filepath.Join(web, "package-lock.json")) {
			return web, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("run it in a folder of the module kumi")
		}
		dir = filepath.Dir(dir)
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// install installs the packages of the lock file, unless they are there.
func install(dir string) error {
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	done := filepath.Join(dir, "node_modules", ".installed")
	if installed, err := os.ReadFile(done); err == nil && bytes.Equal(installed, lock) {
		return nil
	}
	if err := command(dir, "npm", "ci"); err != nil {
		return err
	}
	return os.WriteFile(done, lock, 0o644)
}

func command(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// write replaces the build.
func write(dist string, files map[string][]byte) error {
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	for name, body := range files {
		name = filepath.Join(dist, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// compare fails unless the build is the same, byte for byte.
func compare(dist string, files map[string][]byte) error {
	var wrong []error
	for name, body := range files {
		if there, err := os.ReadFile(filepath.Join(dist, filepath.FromSlash(name))); err != nil || !bytes.Equal(there, body) {
			wrong = append(wrong, fmt.Errorf("console/web/dist/%s is not what the sources make: run go generate ./console", name))
		}
	}
	err := filepath.WalkDir(dist, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dist, name)
		if _, ok := files[filepath.ToSlash(relative)]; !ok {
			wrong = append(wrong, fmt.Errorf("console/web/dist/%s is not part of the build", filepath.ToSlash(relative)))
		}
		return err
	})
	return errors.Join(append(wrong, err)...)
}
