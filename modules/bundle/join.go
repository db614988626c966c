package bundle

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"kumi/modules/script/describe"
)

// modules returns which of the files import or export something. Files with errors
// count as scripts: compiling them reports the errors.
func (p *Project) modules(list []string) (map[string]bool, error) {
	root, err := realPath(p.Root)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	r := api.Build(api.BuildOptions{
		EntryPoints: list, AbsWorkingDir: root, Outdir: root, Outbase: root, Metafile: true, Write: false, LogLevel: api.LogLevelSilent,
	})
	var meta struct {
		Inputs map[string]struct{ Format string }
	}
	if len(r.Errors) > 0 || json.Unmarshal([]byte(r.Metafile), &meta) != nil {
		return found, nil
	}
	for _, file := range list {
		found[file] = meta.Inputs[file].Format != ""
	}
	return found, nil
}

// section is a part of the source map of a joined script: its position and the map of
// the file there.
type section struct {
	Offset struct {
		Line   int `json:"line"`
		Column int `json:"column"`
	} `json:"offset"`
	Map json.RawMessage `json:"map"`
}

// join compiles scripts one by one and concatenates them, as the TypeScript compiler
// does for outFile.
func (p *Project) join() (string, error) {
	root, err := realPath(p.Root)
	if err != nil {
		return "", err
	}
	o := api.BuildOptions{
		AbsWorkingDir: root, Outdir: filepath.Join(root, Name), Outbase: root,
		Target: api.ES2022, Supported: unsupported, Platform: api.PlatformNeutral, Define: describe.Enums(),
		Sourcemap: api.SourceMapExternal, SourcesContent: api.SourcesContentExclude, LogLevel: api.LogLevelSilent,
	}
	for _, file := range p.Scripts {
		o.EntryPoints = append(o.EntryPoints, filepath.Join(root, filepath.FromSlash(file)))
	}
	r := api.Build(o)
	if len(r.Errors) > 0 {
		return "", buildError(r.Errors)
	}
	made := map[string][]byte{}
	for _, f := range r.OutputFiles {
		name, err := filepath.Rel(o.Outdir, f.Path)
		if err != nil {
			return "", err
		}
		made[filepath.ToSlash(name)] = f.Contents
	}
	var text strings.Builder
	var sections []section
	line := 0
	for _, file := range p.Scripts {
		name := strings.TrimSuffix(file, filepath.Ext(file)) + ".js"
		code, ok := made[name]
		if !ok {
			return "", fmt.Errorf("the compiler returned no output for %s", file)
		}
		s := section{}
		s.Offset.Line = line
		if s.Map, err = mapOf(made[name+".map"], file); err != nil {
			return "", err
		}
		sections = append(sections, s)
		text.Write(code)
		line += strings.Count(string(code), "\n")
	}
	whole, err := json.Marshal(map[string]any{"version": 3, "sections": sections})
	if err != nil {
		return "", err
	}
	text.WriteString("//# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString(whole) + "\n")
	return text.String(), nil
}

// mapOf returns a source map whose only source is file.
func mapOf(text []byte, file string) (json.RawMessage, error) {
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, errors.New("the compiler returned no source map for " + file)
	}
	m["sources"] = []string{file}
	return json.Marshal(m)
}

// realPath resolves the links in the path of a folder. The compiler does so too, so
// its paths would not be below an unresolved folder.
func realPath(folder string) (string, error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	return abs, nil
}
