package modules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/script"
	"kumi/store"
)

// Options say what to load and what the modules get to work with.
type Options struct {
	// Path is the folder of the modules. It need not exist: compiled-in Go
	// modules load all the same.
	Path string
	// JSEntrypoint is the JavaScript or TypeScript file to start from, relative
	// to Path; empty means index.ts or index.js.
	JSEntrypoint string

	Core   *core.Core
	Config runtime.Config
	DB     *store.DB
	Logger zerolog.Logger
	// Matches is told of match handlers while modules load, so that they can make
	// matches; nil where there is none.
	Matches *match.Registry

	Env           map[string]string // runtime.env
	Node, Version string

	// CallTimeout and TickTimeout bound a call into script code and into a match
	// handler; 0 means no bound.
	CallTimeout, TickTimeout time.Duration

	JSMin, JSMax   int // VMs
	LuaMin, LuaMax int
	// JSStack and LuaStack are the deepest nesting of calls; 0 is the default.
	JSStack, LuaStack int
	LuaRegistry       int // values on Lua's stack; 0 is the default

	// ReadOnlyGlobals protects what modules share from changes by calls.
	JSReadOnlyGlobals, LuaReadOnlyGlobals bool

	// Check compiles and evaluates modules without running what they start.
	Check bool
}

var loads atomic.Uint64

// Load finds and runs the modules: Go first, then Lua, then JavaScript. Where
// several registered the same thing, Go's stands before Lua's and Lua's before
// JavaScript's; the log says what is hidden. An error names the file and, where
// it has one, the line and column; nothing stays loaded then.
//
// While it runs, Options.Matches finds handlers in what is loaded so far and
// then where it found them before; afterwards in the new set, or after an error
// where it found them before.
func Load(ctx context.Context, o Options) (*Set, error) {
	l := &loading{Options: o, scope: &core.Scope{Env: o.Env, Node: o.Node, Version: o.Version}}
	if o.Core != nil {
		l.nk = o.Core.Module()
	}
	if o.Matches != nil {
		before := o.Matches.SetHandlers(l.handler)
		l.mu.Lock()
		l.before = before
		l.mu.Unlock()
	}
	parts := make([]*part, 0, 3)
	for _, load := range []func(context.Context, *loading) (*part, error){loadGo, loadLua, loadJavaScript} {
		p, err := load(ctx, l)
		if err != nil {
			if o.Matches != nil {
				o.Matches.SetHandlers(l.before)
			}
			for _, p := range parts {
				p.shut()
			}
			return nil, err
		}
		parts = append(parts, p)
	}
	s := merge(parts, hidden(o.Logger))
	s.Version = version(o.Path)
	if o.Matches != nil {
		o.Matches.SetHandlers(func(name string) (match.Factory, bool) {
			f, ok := s.Matches[name]
			return f, ok
		})
		l.mu.Lock()
		l.before = nil // the last set must not be kept alive by this one
		l.mu.Unlock()
	}
	return s, nil
}

func (p *part) shut() {
	for _, f := range p.close {
		f()
	}
	p.close = nil
}

// merge makes one set of the parts, which are in order of precedence.
func merge(parts []*part, hidden func(what string, by, was hooks.Origin)) *Set {
	all := newPart("")
	s := &Set{RPC: all.reg.RPC, Hooks: all.reg.Hooks, Matches: map[string]match.Factory{}}
	for _, p := range slices.Backward(parts) {
		script.Merge(all.reg, p.reg, hidden)
	}
	for name, slot := range all.reg.Matches {
		s.Matches[name] = slot.Call
	}
	for _, p := range parts {
		s.HTTP = append(s.HTTP, p.http...)
		s.Modules = append(s.Modules, p.loaded...)
		s.close = append(s.close, p.close...)
		if p.pool != nil {
			s.Pools = append(s.Pools, Pool{Runtime: p.runtime, Pool: p.pool})
		}
	}
	return s
}

// version tells this load from others, and by the part after the dash says
// whether the files differ.
func version(path string) string {
	sum := sha256.New()
	_ = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error { // a folder that cannot be read has no files
		if err != nil || d.IsDir() {
			if err == nil && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")) && name != path {
				return filepath.SkipDir
			}
			return nil
		}
		switch strings.ToLower(filepath.Ext(name)) {
		case ".js", ".ts", ".mjs", ".cjs", ".tsx", ".jsx", ".json", ".lua", ".so":
		default:
			return nil
		}
		if content, err := os.ReadFile(name); err == nil {
			fmt.Fprintf(sum, "%s %d\n", name, len(content))
			sum.Write(content)
		}
		return nil
	})
	return fmt.Sprintf("%d-%s", loads.Add(1), hex.EncodeToString(sum.Sum(nil)[:4]))
}
