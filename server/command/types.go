package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kumi/modules/script/describe"
	"kumi/modules/source"
	"kumi/server/testkit"
)

// declaration is a file for editors, written next to the modules.
type declaration struct {
	flag, name string
	print      func() (string, error)
}

var declarations = []declaration{
	{"--ts", "nkruntime.d.ts", describe.TypeScript},
	{"--lua", "nakama.lua", describe.LuaStubs},
	{"--docs", "functions.md", describe.Docs},
	{"--ts-test", "kumi-test.d.ts", testkit.TypeScript},
	{"--lua-test", "kumi-test.lua", testkit.LuaStubs},
}

// tsconfig makes editors treat a folder as one project, so that the declarations apply
// to every file.
const tsconfig = `{
  "compilerOptions": {
    "target": "ES2022",
    "lib": ["ES2022"],
    "module": "ESNext",
    "moduleResolution": "Bundler",
    "strict": true,
    "noEmit": true,
    "types": []
  }
}
`

// types prints one of the declarations of what modules can call, or writes those for
// TypeScript and Lua, of modules and of tests, into a folder.
func types(_ context.Context, args []string, s streams) int {
	var chosen []declaration
	dir := ""
	for _, arg := range args {
		d, ok := declarationFor(arg)
		switch {
		case ok:
			chosen = append(chosen, d)
		case strings.HasPrefix(arg, "-") || dir != "":
			fmt.Fprintf(s.err, "types %s: expected --ts, --lua, --docs, --ts-test, --lua-test or one folder\n", arg)
			return exitUsage
		default:
			dir = arg
		}
	}
	switch {
	case len(chosen) == 0 && dir == "":
		fmt.Fprintln(s.err, "types needs one of --ts, --lua, --docs, --ts-test and --lua-test to print, or a folder to write into")
		return exitUsage
	case len(chosen) == 0:
		chosen = slices.DeleteFunc(slices.Clone(declarations), func(d declaration) bool { return d.flag == "--docs" })
	case dir != "":
		chosen = withTests(chosen, dir)
	}
	if err := writeChosen(chosen, dir, s); err != nil {
		return failed(s, err)
	}
	return exitOK
}

// withTests adds the declarations for tests of the languages for which a folder has tests.
func withTests(chosen []declaration, dir string) []declaration {
	tests, err := source.Tests(dir)
	if err != nil {
		return chosen // the folder is made when they are written
	}
	for _, d := range slices.Clone(chosen) {
		test, ok := declarationFor(d.flag + "-test")
		if !ok || slices.ContainsFunc(chosen, func(c declaration) bool { return c.flag == test.flag }) {
			continue
		}
		if slices.ContainsFunc(tests, func(file string) bool { return strings.HasSuffix(file, ".lua") == (d.flag == "--lua") }) {
			chosen = append(chosen, test)
		}
	}
	return chosen
}

// writeDeclarations writes the declarations of the given flags into a folder.
func writeDeclarations(flags []string, dir string, s streams) error {
	chosen := make([]declaration, len(flags))
	for i, f := range flags {
		chosen[i], _ = declarationFor(f)
	}
	return writeChosen(chosen, dir, s)
}

// writeChosen writes declarations into a folder, or prints them if it is empty.
func writeChosen(chosen []declaration, dir string, s streams) error {
	for _, d := range chosen {
		text, err := d.print()
		if err != nil {
			return fmt.Errorf("print %s: %w", d.name, err)
		}
		if dir == "" {
			fmt.Fprint(s.out, text)
			continue
		}
		if err := writeNew(filepath.Join(dir, d.name), text, s); err != nil {
			return err
		}
		if d.flag == "--ts" {
			config := filepath.Join(dir, "tsconfig.json")
			if _, err := os.Stat(config); errors.Is(err, fs.ErrNotExist) {
				if err := writeNew(config, tsconfig, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func declarationFor(flag string) (declaration, bool) {
	for _, d := range declarations {
		if flag == d.flag || flag == d.flag[1:] {
			return d, true
		}
	}
	return declaration{}, false
}

// writeNew writes a file and says so.
func writeNew(path, text string, s streams) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "wrote %s\n", path)
	return nil
}
