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

func (b *building) modfile() string { return filepath.Join(b.work, "go.mod") }

// align writes the go.mod to build with: the module's own, with the server and
// the versions that the server has. It returns what people should know, and an
// error when a plugin cannot have them.
func (b *building) align(ctx context.Context, m *goModule) (notes []string, err error) {
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
	asked, err := b.requirements(ctx)
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
				notes = append(notes, fmt.Sprintf("%s: your go.mod asks for %s; %s is used, as in the server", path, was, version))
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

// requirements are what the go.mod asks for itself, by module path.
func (b *building) requirements(ctx context.Context) (map[string]string, error) {
	text, err := b.tool(ctx, b.work, "mod", "edit", "-json", b.modfile())
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

// versions are those of the modules in this server, without the server itself.
func (b *building) versions() map[string]string {
	all := map[string]string{}
	for _, d := range b.info.Deps {
		if d.Replace != nil && d.Replace.Version == "" { // a folder
			continue
		}
		if d.Path != own {
			all[d.Path] = d.Version
		}
	}
	return all
}

// goVersion is the language version of the server's source.
func (b *building) goVersion() string {
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

// sums puts the checksums of module and server together, so that nothing need be
// asked for that either knows.
func (b *building) sums(m *goModule) error {
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

// conflicts compares the versions that the go command chooses with the server's.
// A plugin must have the same; with a server of its own a module may well have
// later ones, which are said.
func (b *building) conflicts(ctx context.Context, m *goModule) error {
	text, err := b.tool(ctx, m.root, "list", "-mod=mod", "-modfile="+b.modfile(), "-overlay="+b.overlay(), "-m", "-f", "{{.Path}} {{.Version}}{{with .Replace}} => {{.Path}} {{.Version}}{{end}}", "all")
	if err != nil {
		return fmt.Errorf("the versions of its dependencies cannot be settled:\n%w", err)
	}
	server := b.versions()
	var differ []string
	for line := range strings.Lines(text) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		want := server[path]
		if want == "" || version == want {
			continue
		}
		differ = append(differ, fmt.Sprintf("%s: %s%s, the server has %s", path, version, b.askers(ctx, m, path, version), want))
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
	return fmt.Errorf("these dependencies are shared with the server and have to have the same version as there:%s\nchoose versions of what asks for them that go with the server's, or build a server with the module in it (without --plugin)", list)
}

// askers says which modules ask for a version.
func (b *building) askers(ctx context.Context, m *goModule, path, version string) string {
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
	return ", which " + strings.Join(who[:min(len(who), 3)], ", ") + " asks for"
}

// serverVersion sets the version that the built server says, as in this one.
func serverVersion() string { return "-X " + own + "/server.Version=" + server.Version }
