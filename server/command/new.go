package command

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"text/template"
)

// templates are the files of new games: those of all languages, and those of one. Files
// that end in .tmpl are templates of the package text/template.
//
//go:embed all:template
var templates embed.FS

// newGame is what templates can use.
type newGame struct {
	Name     string // of the folder
	Language string // ts, lua or go
	Go       string // version of the language in go.mod
	Nakama   string // version of nakama-common in go.mod
	Revision string // commit of this server's source; empty if unknown
}

// gameName is what a game may be called: its name is part of a Go module path.
var gameName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

const newUsage = "usage: kumi new folder [--ts | --lua | --go]\n"

// create makes a folder with a small game, its tests and a CI workflow.
func create(ctx context.Context, args []string, s streams) int {
	folder, language, err := parseNew(args)
	if err != nil {
		fmt.Fprintf(s.err, "new: %v\n%s", err, newUsage)
		return exitUsage
	}
	if err := isVacant(folder); err != nil {
		return failed(s, fmt.Errorf("new %s: %w", folder, err))
	}
	g := newGame{Name: filepath.Base(folder), Language: language}
	if info, ok := debug.ReadBuildInfo(); ok {
		g.versions(ctx, info, s)
	}
	if err := g.write(folder, s); err != nil {
		return failed(s, fmt.Errorf("new %s: %w", folder, err))
	}
	if language == "go" {
		// Building the module does not need its go.sum, but editors and go test do.
		b := builder{streams: s}
		if _, err := b.tool(ctx, folder, "mod", "tidy"); err != nil {
			fmt.Fprintf(s.err, "note: go.sum is not complete: run go mod tidy in %s: %v\n", folder, err)
		}
	}
	name, first := ownName(s)
	fmt.Fprintf(s.out, "\nnext: %scd %s && %s check && %[3]s test\n", first, folder, name)
	return exitOK
}

func parseNew(args []string) (folder, language string, err error) {
	for _, arg := range args {
		switch flag := strings.TrimLeft(arg, "-"); {
		case !strings.HasPrefix(arg, "-") && folder == "":
			folder = filepath.Clean(arg)
		case !strings.HasPrefix(arg, "-"):
			return "", "", fmt.Errorf("expected one folder, not also %q", arg)
		case flag != "ts" && flag != "lua" && flag != "go":
			return "", "", fmt.Errorf("unknown flag %q", arg)
		case language != "" && language != flag:
			return "", "", errors.New("expected one language")
		default:
			language = flag
		}
	}
	if folder == "" {
		return "", "", errors.New("the folder of the new game is missing")
	}
	if name := filepath.Base(folder); !gameName.MatchString(name) {
		return "", "", fmt.Errorf("%q cannot be the name of a game: it must begin with a letter and have up to 64 letters, digits, - and _", name)
	}
	if language == "" {
		language = "ts"
	}
	return folder, language, nil
}

// isVacant returns an error unless a folder is empty or does not exist.
func isVacant(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return errors.New("the folder exists and is not empty")
	}
	return nil
}

// nakamaCommon is the only module that Go modules need.
const nakamaCommon = "github.com/heroiclabs/nakama-common"

// versions sets the versions that this server was built with.
func (g *newGame) versions(ctx context.Context, info *debug.BuildInfo, s streams) {
	v := strings.Split(strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go"), ".")
	g.Go = strings.Join(v[:min(len(v), 2)], ".")
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			g.Revision = s.Value
		}
	}
	b := builder{streams: s, info: info}
	if g.Nakama = b.versions()[nakamaCommon]; g.Nakama == "" && b.findSource() == nil { // programs of go test do not have it
		required, _ := b.requirements(ctx, filepath.Join(b.source, "go.mod"))
		g.Nakama = required[nakamaCommon]
	}
}

// write writes the files of the game.
func (g *newGame) write(folder string, s streams) error {
	for _, part := range []string{"all", g.Language} {
		root := path.Join("template", part)
		err := fs.WalkDir(templates, root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := g.text(name)
			if err != nil {
				return err
			}
			name = strings.TrimSuffix(strings.TrimPrefix(name, root+"/"), ".tmpl")
			if name == "gitignore" {
				name = ".gitignore"
			}
			return writeNew(filepath.Join(folder, filepath.FromSlash(name)), text, s)
		})
		if err != nil {
			return err
		}
	}
	flags := []string{"--ts", "--ts-test"} // tests of Go modules are in TypeScript
	if g.Language == "lua" {
		flags = []string{"--lua", "--lua-test"}
	}
	return writeDeclarations(flags, filepath.Join(folder, "data", "modules"), s)
}

// text returns what a file contains.
func (g *newGame) text(name string) (string, error) {
	text, err := templates.ReadFile(name)
	if err != nil || !strings.HasSuffix(name, ".tmpl") {
		return string(text), err
	}
	t, err := template.New(name).Parse(string(text))
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = t.Execute(&b, g)
	return b.String(), err
}
