package bundle

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
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

// joinedFile names the text of several scripts to the compiler.
const joinedFile = "joined.ts"

// joined is scripts that became one, as the TypeScript compiler makes it for outFile:
// what a namespace exports, and the values of a const enum, are known in all of them.
type joined struct {
	text  strings.Builder
	files []string
	lines []int // at which line each file begins
	next  int   // line
}

// add appends a script, with a line break at its end.
func (j *joined) add(file, text string) {
	text = strings.TrimPrefix(text, "\ufeff")
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	j.files, j.lines = append(j.files, file), append(j.lines, j.next)
	j.text.WriteString(text)
	j.next += lineBreaks(text)
}

// lineBreaks counts those of JavaScript.
func lineBreaks(text string) int {
	return strings.Count(text, "\n") + strings.Count(text, "\r") - strings.Count(text, "\r\n") +
		strings.Count(text, "\u2028") + strings.Count(text, "\u2029")
}

// place returns the file with a line, both counted from 0, and the line in it.
func (j *joined) place(line int) (file, inFile int) {
	file, exact := slices.BinarySearch(j.lines, line)
	if !exact {
		file--
	}
	return file, line - j.lines[file]
}

// join compiles scripts that share their globals to one.
func (p *Project) join() (string, error) {
	root, err := realPath(p.Root)
	if err != nil {
		return "", err
	}
	var j joined
	loader := api.LoaderTS
	for _, file := range p.Scripts {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			return "", err
		}
		if ext := path.Ext(file); ext == ".tsx" || ext == ".jsx" {
			loader = api.LoaderTSX
		}
		j.add(file, string(text))
	}
	config := ""
	if c, err := nearestTSConfig(os.DirFS(root), path.Dir(p.Entry)); err == nil && c != nil {
		config = filepath.Join(root, filepath.FromSlash(c.path))
	}
	r := api.Build(api.BuildOptions{
		Stdin:         &api.StdinOptions{Contents: j.text.String(), ResolveDir: root, Sourcefile: joinedFile, Loader: loader},
		Tsconfig:      config,
		AbsWorkingDir: root, Outfile: filepath.Join(root, Name), Write: false,
		Target: api.ES2022, Supported: unsupported, Platform: api.PlatformNeutral, Define: describe.Enums(),
		Sourcemap: api.SourceMapExternal, SourcesContent: api.SourcesContentExclude, LogLevel: api.LogLevelSilent,
	})
	if len(r.Errors) > 0 {
		for i := range r.Errors {
			if at := r.Errors[i].Location; at != nil && at.File == joinedFile {
				file, line := j.place(at.Line - 1)
				at.File, at.Line = j.files[file], line+1
			}
		}
		return "", buildError(r.Errors)
	}
	var code, sourceMap []byte
	for _, f := range r.OutputFiles {
		if strings.HasSuffix(f.Path, ".map") {
			sourceMap = f.Contents
		} else {
			code = f.Contents
		}
	}
	if sourceMap, err = j.sourceMap(sourceMap); err != nil {
		return "", err
	}
	return string(code) + "//# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString(sourceMap) + "\n", nil
}

// sourceMap makes the source map of the joined script one of its files.
func (j *joined) sourceMap(text []byte) ([]byte, error) {
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("the compiler returned no source map: %w", err)
	}
	mappings, _ := m["mappings"].(string)
	moved, err := moveMappings(mappings, j.place)
	if err != nil {
		return nil, err
	}
	m["mappings"], m["sources"] = moved, j.files
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
