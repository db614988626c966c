package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/rs/zerolog"

	"kumi/modules/script/describe"
	"kumi/vm/js"
)

// ExportsName is the global variable that holds the exports of a bundled
// program's entry file.
const ExportsName = "__kumiModule"

// Name is the file name of bundled programs. It has no folder, so the paths in
// the source map stay relative to the modules folder.
const Name = "bundle.js"

// unsupported is the syntax of esbuild's target that the engine does not support.
var unsupported = map[string]bool{
	"async-generator":     false,
	"for-await":           false,
	"import-meta":         false,
	"dynamic-import":      false,
	"regexp-set-notation": false,
	"using":               false,
	"decorators":          false,
	"hashbang":            false,
}

// compileScript compiles a file that is a plain script. It returns nil if the file is
// not one or has errors, which the bundler then reports.
func compileScript(root, entry, source string) *js.Program {
	if commonJS(source) {
		return nil
	}
	switch filepath.Ext(entry) {
	case ".js", ".cjs":
		p, err := js.CompileMapped(entry, source, func(path string) ([]byte, error) {
			return os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
		})
		if err == nil {
			return p
		}
	case ".ts":
	default:
		return nil
	}
	// TypeScript, or newer syntax than the engine has.
	loader := api.LoaderTS
	if filepath.Ext(entry) != ".ts" {
		loader = api.LoaderJS
	}
	r := api.Transform(source, api.TransformOptions{
		Loader: loader, Sourcefile: entry, Sourcemap: api.SourceMapInline, SourcesContent: api.SourcesContentExclude,
		Target: api.ES2022, Supported: unsupported, Define: describe.Enums(), LogLevel: api.LogLevelSilent,
	})
	if len(r.Errors) > 0 {
		return nil
	}
	p, err := js.Compile(Name, string(r.Code))
	if err != nil {
		return nil
	}
	return p
}

var (
	usesCommonJS   = regexp.MustCompile(`(?m)\brequire\s*\(\s*["'\x60]|\bmodule\.exports\b|^\s*exports\.|\bdefineProperty\(exports\b`)
	guardsCommonJS = regexp.MustCompile(`\btypeof\s+(?:require|module|exports)\b`)
)

// commonJS reports whether a file needs require or exports. Bundles that also work
// without them check for their existence first.
func commonJS(source string) bool {
	return usesCommonJS.MatchString(source) && !guardsCommonJS.MatchString(source)
}

// source reads the entry file.
func (p *Project) source() (string, error) {
	content, err := os.ReadFile(filepath.Join(p.Root, filepath.FromSlash(p.Entry)))
	if err != nil {
		return "", fmt.Errorf("read the JavaScript entry point: %w", err)
	}
	return strings.TrimPrefix(string(content), "\ufeff"), nil
}

// build makes one script of the entry file, whose source is given, and its
// imports. The source map at its end has paths relative to Root.
func (p *Project) build(source string, log zerolog.Logger) (string, error) {
	abs, err := realPath(p.Root)
	if err != nil {
		return "", err
	}
	entry := p.Entry
	path := filepath.Join(abs, filepath.FromSlash(entry))
	loader := api.LoaderDefault
	switch filepath.Ext(entry) {
	case ".ts":
		loader = api.LoaderTS
	case ".tsx":
		loader = api.LoaderTSX
	case ".jsx":
		loader = api.LoaderJSX
	default:
		loader = api.LoaderJS
	}
	// Modules written for a bundler declare InitModule without exporting it; export it
	// here.
	written := source
	source += "\n;typeof InitModule === \"function\" && (globalThis.InitModule ??= InitModule);\n"
	r := api.Build(api.BuildOptions{
		Stdin:         &api.StdinOptions{Contents: source, ResolveDir: filepath.Dir(path), Sourcefile: path, Loader: loader},
		Bundle:        true,
		Write:         false,
		AbsWorkingDir: abs,
		Outfile:       filepath.Join(abs, Name),
		Format:        api.FormatIIFE,
		GlobalName:    ExportsName,
		Target:        api.ES2022,
		Supported:     unsupported,
		Sourcemap:     api.SourceMapInline, SourcesContent: api.SourcesContentExclude,
		Platform:   api.PlatformNeutral,
		MainFields: []string{"module", "main"},
		Conditions: []string{"module"},
		Define:     defines(),
		KeepNames:  false,
		LogLevel:   api.LogLevelSilent,
	})
	if len(r.Errors) > 0 {
		// A file that ends too early has its error in what was added here: report the
		// error of the file alone instead.
		if alone := api.Transform(written, api.TransformOptions{Sourcefile: entry, Loader: loader}); len(alone.Errors) > 0 {
			return "", buildError(alone.Errors)
		}
		return "", buildError(r.Errors)
	}
	for _, w := range r.Warnings {
		e := log.Warn()
		if w.Location != nil {
			e = e.Str("at", fmt.Sprintf("%s:%d:%d", w.Location.File, w.Location.Line, w.Location.Column+1))
		}
		e.Msg("JavaScript: " + w.Text)
	}
	if len(r.OutputFiles) == 0 {
		return "", errors.New("the bundler returned no output")
	}
	return string(r.OutputFiles[0].Contents), nil
}

// defines returns the names that the bundler replaces with values.
func defines() map[string]string {
	d := describe.Enums()
	if d == nil {
		d = map[string]string{}
	}
	d["process.env.NODE_ENV"], d["global"] = `"production"`, "globalThis"
	return d
}

// maxErrors is the maximum number of errors shown for one build.
const maxErrors = 5

func buildError(messages []api.Message) error {
	var errs []error
	for i, m := range messages {
		if i == maxErrors {
			errs = append(errs, fmt.Errorf("… and %d more errors", len(messages)-maxErrors))
			break
		}
		if m.Location == nil {
			errs = append(errs, errors.New(m.Text))
			continue
		}
		text := m.Text
		if said := noNode(m.Text); said != "" {
			text = said
		} else if name := missingPackage(m.Text); name != "" {
			text = fmt.Sprintf("the package %s is not installed: npm install %s", name, name)
		} else {
			for _, n := range m.Notes {
				text += "; " + n.Text
			}
		}
		errs = append(errs, &js.SyntaxError{
			File: filepath.ToSlash(m.Location.File), Line: m.Location.Line, Column: m.Location.Column + 1,
			Message: text, Text: m.Location.LineText,
		})
	}
	return errors.Join(errs...)
}

var unresolved = regexp.MustCompile(`^Could not resolve "((?:@[\w.-]+/)?[\w-][\w.-]*)(?:/[^"]*)?"$`)

// missingPackage returns the package that an error of the bundler reports as not
// installed, or an empty string.
func missingPackage(text string) string {
	if m := unresolved.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// Sources returns the files of the program, without those of installed packages.
func (p *Project) Sources() []string {
	if len(p.Scripts) > 0 {
		return p.Scripts
	}
	abs, err := realPath(p.Root)
	if err != nil {
		return []string{p.Entry}
	}
	r := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join(abs, filepath.FromSlash(p.Entry))}, AbsWorkingDir: abs, Outdir: abs,
		Bundle: true, Write: false, Metafile: true, Platform: api.PlatformNeutral,
		MainFields: []string{"module", "main"}, LogLevel: api.LogLevelSilent,
	})
	var meta struct{ Inputs map[string]struct{} }
	if err := json.Unmarshal([]byte(r.Metafile), &meta); err != nil || len(meta.Inputs) == 0 {
		return []string{p.Entry}
	}
	var paths []string
	for path := range meta.Inputs {
		if !strings.Contains("/"+path, "/node_modules/") && filepath.IsLocal(filepath.FromSlash(path)) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}
