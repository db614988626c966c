package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kumi/server"
)

func (b *builder) modfile() string { return filepath.Join(b.work, "go.mod") }

// align writes the go.mod for the build: that of the module, with the server added and
// the versions of the server's dependencies. It returns notes for the user, and an
// error if a plugin cannot have these versions.
func (b *builder) align(ctx context.Context, m *goModule) (notes []string, err error) {
	text := []byte("module " + m.path + "\n")
	if m.mod != "" {
		if text, err = os.ReadFile(m.mod); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(b.modfile(), text, 0o600); err != nil {
		return nil, err
	}
	if err := b.sums(m); err != nil {
		return nil, err
	}
	asked, err := b.requirements(ctx, b.modfile())
	if err != nil {
		return nil, err
	}
	edit := []string{"mod", "edit"}
	if m.path != own {
		edit = append(edit, "-require="+own+"@v0.0.0", "-replace="+own+"="+b.source)
	}
	if m.mod == "" {
		if v := b.goVersion(); v != "" {
			edit = append(edit, "-go="+v)
		}
	}
	if b.plugin {
		for path, version := range b.versions() {
			if was := asked[path]; was != "" && was != version {
				notes = append(notes, fmt.Sprintf("%s: your go.mod requires %s; %s is used, as in the server", path, was, version))
				edit = append(edit, "-require="+path+"@"+version)
			}
		}
		slices.Sort(notes)
	}
	if len(edit) > 2 {
		if _, err := b.tool(ctx, m.root, append(edit, b.modfile())...); err != nil {
			return notes, err
		}
	}
	return notes, b.conflicts(ctx, m)
}

// requirements returns the versions that a go.mod itself requires, by module path.
func (b *builder) requirements(ctx context.Context, file string) (map[string]string, error) {
	text, err := b.tool(ctx, filepath.Dir(file), "mod", "edit", "-json", file)
	if err != nil {
		return nil, err
	}
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal([]byte(text), &mod); err != nil {
		return nil, fmt.Errorf("read go.mod: %w", err)
	}
	asked := map[string]string{}
	for _, r := range mod.Require {
		asked[r.Path] = r.Version
	}
	return asked, nil
}

// versions returns the versions of the modules in this server, without the server
// itself.
func (b *builder) versions() map[string]string {
	all := map[string]string{}
	for _, d := range b.info.Deps {
		if d.Replace != nil && d.Replace.Version == "" { // replaced by a folder
			continue
		}
		if d.Path != own {
			all[d.Path] = d.Version
		}
	}
	return all
}

// goVersion returns the language version of the server's source.
func (b *builder) goVersion() string {
	text, err := os.ReadFile(filepath.Join(b.source, "go.mod"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "go" {
			return f[1]
		}
	}
	return ""
}

// sums joins the checksums of the module and of the server, so that the go command
// needs to look up neither.
func (b *builder) sums(m *goModule) error {
	var all []byte
	for _, dir := range []string{m.root, b.source} {
		text, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(text, '\n')
		}
		all = append(all, text...)
	}
	return os.WriteFile(filepath.Join(b.work, "go.sum"), all, 0o600)
}

// conflicts compares the versions that the go command selects with those of the
// server. A plugin must have the same. A server with the module compiled in may have
// later ones, which are noted.
func (b *builder) conflicts(ctx context.Context, m *goModule) error {
	text, err := b.tool(ctx, m.root, "list", "-mod=mod", "-modfile="+b.modfile(), "-overlay="+b.overlay(), "-m", "-f", "{{.Path}} {{.Version}}{{with .Replace}} => {{.Path}} {{.Version}}{{end}}", "all")
	if err != nil {
		return fmt.Errorf("cannot select the versions of its dependencies:\n%w", err)
	}
	server := b.versions()
	needs, err := b.requirements(ctx, filepath.Join(b.source, "go.mod"))
	if err != nil {
		return err
	}
	var differ []string
	for line := range strings.Lines(text) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if want := needs[path]; want != "" && strings.Contains(version, "=> ") {
			b.replaced = append(b.replaced, fmt.Sprintf("%s: %s, the server has %s", path, version, want))
		}
		want := server[path]
		if want == "" || version == want {
			continue
		}
		differ = append(differ, fmt.Sprintf("%s: %s%s, the server has %s", path, version, b.requiredBy(ctx, m, path, version), want))
	}
	if len(differ) == 0 {
		return nil
	}
	slices.Sort(differ)
	list := "\n  " + strings.Join(differ, "\n  ")
	if !b.plugin {
		fmt.Fprintf(b.err, "note: with this module the server gets other versions than it was tested with:%s\n", list)
		return nil
	}
	return fmt.Errorf("these dependencies are shared with the server and must have the same version as there:%s\nchoose versions of the modules that require them which fit the server's, or build a server with the module compiled in (without --plugin)", list)
}

// requiredBy says which modules require a version.
func (b *builder) requiredBy(ctx context.Context, m *goModule, path, version string) string {
	graph, err := b.tool(ctx, m.root, "mod", "graph", "-modfile="+b.modfile())
	if err != nil {
		return ""
	}
	var who []string
	for line := range strings.Lines(graph) {
		from, to, _ := strings.Cut(strings.TrimSpace(line), " ")
		if to == path+"@"+version {
			if from == m.path {
				from = "your go.mod"
			}
			who = append(who, from)
		}
	}
	if len(who) == 0 {
		return ""
	}
	return ", which " + strings.Join(who[:min(len(who), 3)], ", ") + " requires"
}

// serverVersion returns the linker flag that gives the built server the version of
// this one.
func serverVersion() string { return "-X " + own + "/server.Version=" + server.Version }
