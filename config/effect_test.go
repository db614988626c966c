package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kumi/internal/testenv"
)

// Every setting is read by the server, or listed as without effect. What is
// read is found in the types of the program's source: a setting is the field of
// its struct, whatever the variable is called.
func TestEverySettingHasAnEffect(t *testing.T) {
	t.Parallel()
	read := settingsRead(t)
	for _, l := range newTree(Default()).leaves {
		reason, listed := withoutEffect[l.path]
		switch {
		case !listed && !read[l.path]:
			t.Errorf("%s is read nowhere, and is not in withoutEffect", l.path)
		case listed && read[l.path]:
			t.Errorf("%s is in withoutEffect (%s), and is read", l.path, reason)
		}
	}
	var usage strings.Builder
	Default().Usage(&usage)
	for path, reason := range withoutEffect {
		_, help, _ := strings.Cut(usage.String(), "--"+path)
		help, _, _ = strings.Cut(help, "\n  --")
		if !strings.Contains(help, "No effect: "+reason) {
			t.Errorf("the help does not say that %s has no effect, but %s", path, help)
		}
	}
	if !read["socket.port"] || !read["runtime.env"] {
		t.Error("the settings that are read were not found: the test looks in the wrong place")
	}
}

// goPackage is what go list says of a package.
type goPackage struct {
	ImportPath, Dir, Export string
	GoFiles, Imports        []string
}

// settingsRead returns the settings that the packages of this module read, but
// for this package, which reads all of them to check and to print them.
// Commands that build servers from other sources are left out.
func settingsRead(t *testing.T) map[string]bool {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,Imports", "..")
	out, err := cmd.Output()
	if err != nil {
		testenv.Skip(t, fmt.Sprintf("go list cannot say where the packages are: %v", err))
	}
	const self, nakama = "kumi/config", "github.com/heroiclabs/nakama-common/runtime"
	packages := map[string]goPackage{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(packages[path].Export)
	})
	check := func(p goPackage) *types.Info {
		t.Helper()
		var files []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}}
		conf := types.Config{Importer: imports, FakeImportC: true}
		if _, err := conf.Check(p.ImportPath, fset, files, info); err != nil {
			t.Fatalf("check %s: %v", p.ImportPath, err)
		}
		return info
	}

	names := map[string]string{}
	fields(reflect.TypeFor[Config](), "", names)
	getters(reflect.ValueOf(Default()), reflect.TypeFor[*Config](), names)
	read := map[string]bool{"config": true, "cluster.insecure": true} // by this package, as are deprecated ones
	for _, d := range Default().deprecated() {
		read[d.old] = true
	}
	read["runtime.read_only_globals"] = true
	for _, p := range packages {
		// Only these packages can have a Config or its sections.
		if !slices.Contains(p.Imports, self) && !(strings.HasPrefix(p.ImportPath, "kumi/") && slices.Contains(p.Imports, nakama)) || p.ImportPath == self {
			continue
		}
		for at, s := range check(p).Selections {
			if strings.HasSuffix(fset.Position(at.Pos()).Filename, "modules/script/config.go") {
				continue // hands the settings to modules, which is no effect
			}
			read[names[nameOf(s.Recv())+"."+s.Obj().Name()]] = true
		}
	}
	return read
}

// nameOf is the name of a type, or of what it points to: "config.Runtime" here,
// and "runtime.RuntimeConfig" in Nakama's package.
func nameOf(t types.Type) string {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := t.(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return ""
	}
	return n.Obj().Pkg().Name() + "." + n.Obj().Name()
}

// fields adds the settings of a section by the names of their struct and field.
func fields(section reflect.Type, prefix string, names map[string]string) {
	for i := range section.NumField() {
		f := section.Field(i)
		name := f.Tag.Get("yaml")
		if name == "" {
			continue
		}
		if f.Type.Kind() == reflect.Struct {
			fields(f.Type, prefix+name+".", names)
		} else {
			names[section.String()+"."+f.Name] = prefix + name
		}
	}
}

// getters adds the settings of a section by the getters that modules call, and
// sometimes the server: of the section's struct and of the interface that it is
// handed out as.
func getters(section reflect.Value, as reflect.Type, names map[string]string) {
	kind := section.Type().Elem()
	for i := range section.NumMethod() {
		m := section.Type().Method(i)
		getter, ok := strings.CutPrefix(m.Name, "Get")
		if !ok {
			continue
		}
		if result := m.Type.Out(0); result.Kind() == reflect.Interface {
			getters(section.Method(i).Call(nil)[0].Elem(), result, names)
			continue
		}
		field, ok := kind.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, getter) })
		if !ok {
			continue
		}
		path := names[kind.String()+"."+field.Name]
		names[kind.String()+"."+m.Name], names[as.String()+"."+m.Name] = path, path
	}
}
