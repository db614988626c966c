package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxAliasHops bounds chains of aliases, so that an alias that contains itself
// ends.
const maxAliasHops = 16

// retired are keys of other Nakama releases that have no effect here. They are
// accepted, so that existing files keep working.
var retired = map[string]string{
	"cluster.gossip_bindaddr":         otherCluster,
	"cluster.gossip_bindport":         otherCluster,
	"cluster.rpc_port":                otherCluster,
	"cluster.local_priority":          otherCluster,
	"cluster.max_message_size_bytes":  otherCluster,
	"cluster.work_factor_interval_ms": otherCluster,
	"metrics.stackdriver_projectid":   "metrics are offered to Prometheus only",
	"tracker.broadcast_queue_size":    "there is no such queue",
	"matchmaker.batch_pool_size":      "there is no such pool",
}

// otherCluster is said of the keys of Nakama's enterprise release.
const otherCluster = "a cluster is configured by other keys"

func (l *loader) readFile(path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		l.problems.addf("cannot read configuration file: %v", err)
		return
	}
	l.readYAML(path, data)
}

func (l *loader) readYAML(file string, data []byte) {
	parsed, err := parseYAML(bytes.TrimPrefix(data, []byte("\ufeff"))) // as editors on Windows write it
	if err != nil {
		l.problems.addf("%s%v", file, err)
		return
	}
	doc := &yamlFile{loader: l, name: file, anchors: map[string]ast.Node{}}
	for _, d := range parsed.Docs {
		if d == nil || d.Body == nil {
			continue
		}
		doc.section(d.Body, "", 0)
	}
}

// parseYAML returns errors that begin with ":line:column: ". The parser's
// error text may quote the file, which holds secrets, so only its message and
// position are used.
func parseYAML(data []byte) (f *ast.File, err error) {
	defer func() {
		// A bug in the parser must not crash the process.
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf(": not readable as YAML: %v", p)
		}
	}()
	f, err = parser.ParseBytes(data, 0)
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		if tk := positioned.GetToken(); tk != nil && tk.Position != nil {
			return nil, fmt.Errorf(":%d:%d: %s", tk.Position.Line, tk.Position.Column, positioned.GetMessage())
		}
		return nil, fmt.Errorf(": %s", positioned.GetMessage())
	}
	if err != nil {
		return nil, errors.New(": not readable as YAML")
	}
	return f, nil
}

// yamlFile applies one parsed file to the loader.
type yamlFile struct {
	*loader
	name    string
	anchors map[string]ast.Node
}

func (y *yamlFile) at(n ast.Node) string {
	if tk := n.GetToken(); tk != nil && tk.Position != nil {
		return fmt.Sprintf("%s:%d:%d", y.name, tk.Position.Line, tk.Position.Column)
	}
	return y.name
}

// resolve follows anchors, aliases and tags to the value. It returns nil for
// null, which leaves a setting unchanged, and for an unresolved alias.
func (y *yamlFile) resolve(n ast.Node) ast.Node {
	for range maxAliasHops {
		switch v := n.(type) {
		case *ast.AnchorNode:
			y.anchors[anchorName(v.Name)] = v.Value
			n = v.Value
		case *ast.AliasNode:
			target, ok := y.anchors[anchorName(v.Value)]
			if !ok {
				y.problems.addf("%s: alias *%s refers to no anchor above", y.at(v), anchorName(v.Value))
				return nil
			}
			n = target
		case *ast.TagNode:
			n = v.Value
		case *ast.NullNode, nil:
			return nil
		default:
			return n
		}
	}
	y.problems.addf("%s: an alias refers to itself", y.at(n))
	return nil
}

func anchorName(n ast.Node) string {
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return n.GetToken().Value
}

// section applies a mapping whose keys are below prefix ("" or "socket.").
// depth counts nested merges.
func (y *yamlFile) section(n ast.Node, prefix string, depth int) {
	n = y.resolve(n)
	if n == nil {
		return
	}
	mapping, ok := n.(ast.MapNode)
	if !ok {
		y.problems.addf("%s: %s must be a mapping of settings", y.at(n), sectionName(prefix))
		return
	}
	if depth > maxAliasHops {
		y.problems.addf("%s: settings are merged into themselves", y.at(n))
		return
	}
	// Merged keys have lower precedence than those beside them.
	for it := mapping.MapRange(); it.Next(); {
		if it.Key() != nil && it.Key().IsMergeKey() {
			y.merge(it.Value(), prefix, depth)
		}
	}
	for it := mapping.MapRange(); it.Next(); {
		if it.Key() == nil || it.Key().IsMergeKey() {
			continue
		}
		y.key(it.Key(), it.Value(), prefix, depth)
	}
}

func sectionName(prefix string) string {
	if prefix == "" {
		return "the file"
	}
	return strings.TrimSuffix(prefix, ".")
}

func (y *yamlFile) merge(n ast.Node, prefix string, depth int) {
	n = y.resolve(n)
	if list, ok := n.(*ast.SequenceNode); ok {
		// Earlier entries take precedence, so apply them last.
		for i := len(list.Values) - 1; i >= 0; i-- {
			y.section(list.Values[i], prefix, depth+1)
		}
		return
	}
	y.section(n, prefix, depth+1)
}

func (y *yamlFile) key(key ast.MapKeyNode, value ast.Node, prefix string, depth int) {
	name := keyName(key)
	path := prefix + name
	// A file may use dotted keys: "socket.port: 1".
	if leaf, ok := y.tree.byPath[path]; ok {
		y.value(leaf, key, value)
		return
	}
	if _, ok := y.tree.sections[path]; ok {
		y.section(value, path+".", depth+1)
		return
	}
	if reason, ok := retired[path]; ok {
		y.warnf("%s: %s is ignored: %s", y.at(key), path, reason)
		return
	}
	if prefix == "" && strings.HasPrefix(name, "x-") {
		// A key that only holds anchors, which may be used further below.
		y.resolve(value)
		return
	}
	y.unknown(key, value, path)
}

func keyName(key ast.MapKeyNode) string {
	if tk := key.GetToken(); tk != nil {
		return tk.Value
	}
	return key.String()
}

func (y *yamlFile) unknown(key ast.MapKeyNode, value ast.Node, path string) {
	near := ""
	if _, ok := y.resolve(value).(ast.MapNode); ok {
		near = y.tree.suggestSection(path)
	} else {
		near = y.tree.suggest(path)
	}
	if near == "" {
		y.problems.addf("%s: unknown key %s", y.at(key), path)
		return
	}
	y.problems.addf("%s: unknown key %s: did you mean %s?", y.at(key), path, near)
}

func (y *yamlFile) value(leaf *leaf, key ast.MapKeyNode, n ast.Node) {
	n = y.resolve(n)
	if n == nil {
		return
	}
	if leaf.path == configPath {
		y.warnf("%s: config is ignored in a file: use the flag", y.at(key))
		return
	}
	if list, ok := n.(*ast.SequenceNode); ok != leaf.isList() {
		y.problems.addf("%s: %s must be %s", y.at(n), leaf.path, leaf.typeName())
		return
	} else if ok {
		y.list(leaf, list)
		return
	}
	text, ok := scalarText(n)
	if !ok {
		y.problems.addf("%s: %s must be %s", y.at(n), leaf.path, leaf.typeName())
		return
	}
	y.assign(assignment{leaf: leaf, value: text, origin: y.at(n)})
}

func (y *yamlFile) list(leaf *leaf, list *ast.SequenceNode) {
	values := make([]string, 0, len(list.Values))
	for _, entry := range list.Values {
		n := y.resolve(entry)
		if n == nil {
			continue
		}
		text, ok := scalarText(n)
		if !ok {
			y.problems.addf("%s: %s: each entry of the list must be a single value", y.at(n), leaf.path)
			return
		}
		values = append(values, text)
	}
	y.assignValues(leaf, values, false, y.at(list))
}

// scalarText returns a scalar as written, so that a number given for a text
// setting keeps its leading zeros.
func scalarText(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return tokenText(v.GetToken()), true
	default:
		return "", false
	}
}

func tokenText(tk *token.Token) string {
	if tk == nil {
		return ""
	}
	return tk.Value
}
