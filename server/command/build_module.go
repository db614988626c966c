package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	gobuild "go/build"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"kumi/internal/suggest"
)

// goModule is the user's package.
type goModule struct {
	name string // of the folder
	pkg  string // the package clause
	root string // folder of the go.mod, or of the package if there is none
	path string // module path
	// mod is the path of the go.mod; empty if there is none.
	mod string
	// main is the file with the function main; its name is at these offsets.
	main       string
	from, upTo int
}

// readModule reads a package without compiling it.
func readModule(folder, goos string) (*goModule, error) {
	at, err := os.Stat(folder)
	if err != nil {
		return nil, err
	}
	if !at.IsDir() {
		return nil, errors.New("not a folder")
	}
	build := gobuild.Default
	build.GOOS = goos
	p, err := build.ImportDir(folder, 0)
	if err != nil {
		return nil, err
	}
	m := &goModule{name: filepath.Base(folder), pkg: p.Name, root: folder}
	found, near := false, "" // near is a function with a similar name
	for _, name := range append(p.GoFiles, p.CgoFiles...) {
		file := filepath.Join(folder, name)
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil {
				continue
			}
			if near == "" && suggest.Nearest(fn.Name.Name, []string{"InitModule"}) != "" {
				near = fmt.Sprintf("%s: %s is misspelled", fset.Position(fn.Name.Pos()), fn.Name.Name)
			}
			switch {
			case fn.Name.Name == "InitModule":
				if !isInit(fn.Type) {
					return nil, fmt.Errorf("%s: InitModule has other parameters or results: it must be %s", fset.Position(fn.Name.Pos()), initSignature)
				}
				found = true
			case fn.Name.Name == "main" && p.Name == "main":
				m.main, m.from, m.upTo = file, fset.Position(fn.Name.Pos()).Offset, fset.Position(fn.Name.End()).Offset
			}
		}
	}
	if !found {
		if near == "" {
			near = filepath.Join(folder, append(p.GoFiles, p.CgoFiles...)[0])
		}
		return nil, fmt.Errorf("%s: the package %s %w; it takes %s", near, p.Name, errNoInitModule, initSignature)
	}
	return m, m.findMod()
}

var errNoInitModule = errors.New("has no function InitModule")

const initSignature = "func InitModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error"

// isInit reports whether a function has the number of parameters and results of
// InitModule; the compiler checks their types.
func isInit(t *ast.FuncType) bool {
	return t.TypeParams.NumFields() == 0 && t.Params.NumFields() == 5 && t.Results.NumFields() == 1
}

// findMod finds the go.mod of the package.
func (m *goModule) findMod() error {
	for dir := m.root; ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, "go.mod")
		text, err := os.ReadFile(file)
		if err == nil {
			m.root, m.mod = dir, file
			if m.path = modulePathOf(text); m.path == "" {
				return fmt.Errorf("%s has no module line", file)
			}
			return nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	m.path = "kumi.module/" + pathElement(m.name)
	return nil
}

// pathElement turns a name into one that a module path may contain.
func pathElement(name string) string {
	safe := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return r
		}
		return '_'
	}, name)
	return strings.ToLower(safe)
}

// modulePath returns the module path in a folder's go.mod.
func modulePath(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return modulePathOf(text), err
}

func modulePathOf(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		line, _, _ = strings.Cut(line, "//")
		if f := strings.Fields(line); len(f) == 2 && f[0] == "module" {
			if s, err := strconv.Unquote(f[1]); err == nil {
				return s
			}
			return f[1]
		}
	}
	return ""
}

// rel returns the package's folder relative to its module, with slashes.
func (m *goModule) rel(folder string) (string, error) {
	rel, err := filepath.Rel(m.root, folder)
	return filepath.ToSlash(rel), err
}

// generated is the name of the files and packages that the overlay adds.
const generated = "kumi_generated_main"

// generate writes the overlay that the build adds to the module: a main function, in
// the package itself if it is a main package, otherwise in a package of its own.
// target is the package to build, relative to the module.
func (b *builder) generate(m *goModule) (target string, err error) {
	rel, err := m.rel(b.folder)
	if err != nil {
		return "", err
	}
	overlay := map[string]string{}
	put := func(file, name, text string) error {
		overlay[file] = filepath.Join(b.work, name)
		return os.WriteFile(overlay[file], []byte(text), 0o600)
	}
	if m.mod == "" {
		if err := put(filepath.Join(m.root, "go.mod"), "overlay.mod", "module "+m.path+"\n"); err != nil {
			return "", err
		}
	}
	if m.main != "" { // rename it to _, which keeps all line numbers
		text, err := os.ReadFile(m.main)
		if err != nil {
			return "", err
		}
		if err := put(m.main, "main_"+filepath.Base(m.main), string(text[:m.from])+"_"+string(text[m.upTo:])); err != nil {
			return "", err
		}
	}
	dir, source := b.folder, b.mainSource(m, "")
	target = "./" + rel
	if m.pkg != "main" {
		dir = filepath.Join(b.folder, generated)
		source = b.mainSource(m, path.Join(m.path, rel))
		target = "./" + path.Join(rel, generated)
	}
	if err := put(filepath.Join(dir, generated+".go"), "generated.go", source); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return "", err
	}
	return target, os.WriteFile(b.overlay(), text, 0o600)
}

func (b *builder) overlay() string { return filepath.Join(b.work, "overlay.json") }

// mainSource returns the generated file. With an empty import path InitModule is in
// the same package. The imports have names that user code does not use.
func (b *builder) mainSource(m *goModule, user string) string {
	var imports, body strings.Builder
	call := "InitModule"
	if user != "" {
		fmt.Fprintf(&imports, "\tkumiUser %q\n", user)
		call = "kumiUser.InitModule"
	}
	switch {
	case b.plugin && user != "":
		imports.WriteString("\tkumiContext \"context\"\n\tkumiSQL \"database/sql\"\n\tkumiRuntime \"github.com/heroiclabs/nakama-common/runtime\"\n")
		fmt.Fprintf(&body, "func InitModule(ctx kumiContext.Context, logger kumiRuntime.Logger, db *kumiSQL.DB, nk kumiRuntime.NakamaModule, initializer kumiRuntime.Initializer) error {\n\treturn %s(ctx, logger, db, nk, initializer)\n}\n\nfunc main() {}\n", call)
	case b.plugin:
		body.WriteString("func main() {}\n")
	default:
		imports.WriteString("\tkumiOS \"os\"\n\n\tkumiGo \"kumi/modules/golang\"\n\tkumiCommand \"kumi/server/command\"\n")
		fmt.Fprintf(&body, "func main() {\n\tkumiGo.Register(%q, %s)\n\tkumiOS.Exit(kumiCommand.Main(kumiOS.Args[1:]))\n}\n", m.name, call)
	}
	return "// Code generated by kumi build. DO NOT EDIT.\n\npackage main\n\nimport (\n" + imports.String() + ")\n\n" + body.String()
}
