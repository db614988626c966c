package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// entry is the file that the page starts with, in the folder of the sources.
const entry = "src/main.tsx"

// assets is the folder of the files whose names change with their contents.
const assets = "assets/"

// bundle builds the page from its sources, again and again as they change. It may be
// used by one goroutine at a time.
type bundle struct {
	dir   string
	build api.BuildContext
}

// newBundle prepares to build the page in a folder, which has the packages of its lock
// file in node_modules. There are no source maps, which take longer than all the rest;
// without minify the build is readable as it is.
func newBundle(dir string, minify bool) (*bundle, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	build, failed := api.Context(api.BuildOptions{
		AbsWorkingDir: dir, EntryPoints: []string{entry}, Outdir: "out", Metafile: true,
		EntryNames: assets + "[name]-[hash]", ChunkNames: assets + "[name]-[hash]", AssetNames: assets + "[name]-[hash]",
		Bundle: true, Splitting: true, Format: api.FormatESModule, Platform: api.PlatformBrowser, Target: api.ES2022,
		JSX: api.JSXAutomatic, JSXImportSource: "preact",
		MinifyWhitespace: minify, MinifyIdentifiers: minify, MinifySyntax: minify,
		// The texts of the licences are a file of their own.
		LegalComments: api.LegalCommentsNone, LogLevel: api.LogLevelSilent,
	})
	if failed != nil {
		return nil, messages(failed.Errors)
	}
	return &bundle{dir: dir, build: build}, nil
}

func (b *bundle) close() { b.build.Dispose() }

// files builds the page and returns its files by their paths. It fails with the errors
// of the sources.
func (b *bundle) files() (map[string][]byte, error) {
	r := b.build.Rebuild()
	if len(r.Errors) > 0 {
		return nil, messages(r.Errors)
	}
	var meta metafile
	if err := json.Unmarshal([]byte(r.Metafile), &meta); err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, f := range r.OutputFiles {
		name, err := filepath.Rel(filepath.Join(b.dir, "out"), f.Path)
		if err != nil {
			return nil, err
		}
		out[filepath.ToSlash(name)] = f.Contents
	}
	html, err := os.ReadFile(filepath.Join(b.dir, "src", indexName))
	if err != nil {
		return nil, err
	}
	out[indexName] = []byte(strings.Replace(string(html), "<!-- files -->", meta.tags(), 1))
	if out[licencesName], err = b.licences(&meta); err != nil {
		return nil, err
	}
	return out, nil
}

func messages(list []api.Message) error {
	text := api.FormatMessages(list, api.FormatMessagesOptions{Kind: api.ErrorMessage})
	return errors.New(strings.TrimSpace(strings.Join(text, "")))
}

// metafile is what esbuild says about a build.
type metafile struct {
	Inputs  map[string]struct{} `json:"inputs"`
	Outputs map[string]struct {
		EntryPoint string `json:"entryPoint"`
		CSS        string `json:"cssBundle"`
		Imports    []struct {
			Path string `json:"path"`
			Kind string `json:"kind"`
		} `json:"imports"`
	} `json:"outputs"`
}

// tags are the HTML elements that load the page's first files.
func (m *metafile) tags() string {
	var b strings.Builder
	relative := func(output string) string { return "./" + strings.TrimPrefix(output, "out/") }
	for name, out := range m.Outputs {
		if out.EntryPoint != entry {
			continue
		}
		fmt.Fprintf(&b, `<link rel="stylesheet" href="%s">`, relative(out.CSS))
		for _, i := range out.Imports {
			if i.Kind == "import-statement" {
				fmt.Fprintf(&b, `<link rel="modulepreload" href="%s">`, relative(i.Path))
			}
		}
		fmt.Fprintf(&b, `<script type="module" src="%s"></script>`, relative(name))
	}
	return b.String()
}

// licences are the texts of the licences of all packages in the page.
func (b *bundle) licences(m *metafile) ([]byte, error) {
	var packages []string
	for input := range m.Inputs {
		_, inside, ok := strings.Cut(input, "node_modules/")
		if !ok {
			continue
		}
		parts := strings.SplitN(inside, "/", 3)
		name := parts[0]
		if strings.HasPrefix(name, "@") {
			name = path.Join(parts[:2]...)
		}
		packages = append(packages, name)
	}
	slices.Sort(packages)
	text := "The console's page contains these packages.\n"
	for _, name := range slices.Compact(packages) {
		licence, err := b.licence(name)
		if err != nil {
			return nil, err
		}
		text += "\n== " + name + "\n\n" + strings.TrimSpace(strings.ReplaceAll(licence, "\r\n", "\n")) + "\n"
	}
	return []byte(text), nil
}

// licence returns the text of a package's licence, or the name of one whose text it
// does not come with.
func (b *bundle) licence(name string) (string, error) {
	dir := filepath.Join(b.dir, "node_modules", filepath.FromSlash(name))
	for _, file := range []string{"LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE"} {
		if text, err := os.ReadFile(filepath.Join(dir, file)); err == nil {
			return string(text), nil
		}
	}
	var manifest struct{ License, Author string }
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err == nil {
		err = json.Unmarshal(text, &manifest)
	}
	if err == nil && manifest.License == "" {
		err = errors.New("it names no licence")
	}
	if err != nil {
		return "", fmt.Errorf("the licence of %s: %w", name, err)
	}
	return manifest.License + ", by " + manifest.Author, nil
}
