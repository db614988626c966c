package bundle

import (
	"fmt"
	"regexp"
	"strings"
)

// nodeModules are Node's own modules, with what to use instead; empty if there is nothing.
var nodeModules = map[string]string{
	"assert": "", "async_hooks": "", "buffer": "Uint8Array and ArrayBuffer", "child_process": "", "cluster": "", "console": "the global console",
	"constants": "", "crypto": cryptoFunctions, "dgram": "", "diagnostics_channel": "", "dns": "", "domain": "", "events": "",
	"fs": "nk.fileRead, which reads files of the modules folder", "http": httpFunctions, "http2": httpFunctions, "https": httpFunctions,
	"inspector": "", "module": "", "net": "", "os": "", "path": "", "perf_hooks": "Date.now", "process": "ctx.env for settings",
	"punycode": "", "querystring": "the global URLSearchParams", "readline": "", "repl": "", "sea": "", "sqlite": "nk.sqlQuery and nk.sqlExec", "stream": "",
	"string_decoder": "the global TextDecoder", "sys": "", "test": "kumi test", "timers": "the global setTimeout and setInterval", "tls": "",
	"trace_events": "", "tty": "", "url": "the global URL and URLSearchParams", "util": "the global TextEncoder, TextDecoder and structuredClone",
	"v8": "", "vm": "", "wasi": "", "worker_threads": "", "zlib": "",
}

const (
	httpFunctions   = "nk.httpRequest or nk.httpRequestAsync for requests, initializer.registerHttp for routes"
	cryptoFunctions = "the global crypto, or nk.sha256Hash, nk.hmacSha256Hash, nk.aesGcmEncrypt, nk.bcryptHash, nk.secureRandomBytes, nk.uuidv4 and the like"
)

var unresolvedNode = regexp.MustCompile(`^Could not resolve "((?:node:)?([a-z0-9_]+)(?:/[a-z/]+)?)"$`)

// noNode returns what to say of an error of the bundler about an import of a module of Node;
// empty if it is about something else.
func noNode(text string) string {
	m := unresolvedNode.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	instead, known := nodeModules[m[2]]
	prefixed := strings.HasPrefix(m[1], "node:")
	if onlyPrefixed := m[2] == "test" || m[2] == "sea" || m[2] == "sqlite"; !known && !prefixed || onlyPrefixed && !prefixed {
		return "" // a package
	}
	said := fmt.Sprintf("there is no %s: it is a module of Node, and modules do not run in Node", m[1])
	if instead != "" {
		said += "; use " + instead
	}
	return said
}
