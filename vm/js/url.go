package js

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/dop251/goja"
	"golang.org/x/net/idna"
)

func (v *VM) url() *goja.Object {
	type call = func(goja.FunctionCall) goja.Value
	return v.together(v.web("url", map[string]call{
		"parse": v.parseURL,
		"parseQuery": func(fc goja.FunctionCall) goja.Value {
			pairs := parseQuery(fc.Argument(0).String())
			items := make([]any, len(pairs))
			for i, p := range pairs {
				items[i] = v.rt.NewArray(p[0], p[1])
			}
			return v.rt.NewArray(items...)
		},
		"query": func(fc goja.FunctionCall) goja.Value {
			var b strings.Builder
			list := fc.Argument(0)
			for i := range v.Len(list) {
				if i > 0 {
					b.WriteByte('&')
				}
				pair := v.Index(list, i)
				b.WriteString(queryEscape(v.Str(v.Index(pair, 0))))
				b.WriteByte('=')
				b.WriteString(queryEscape(v.Str(v.Index(pair, 1))))
			}
			return v.rt.ToValue(b.String())
		},
	}), "URL", "URLSearchParams")
}

// special lists the schemes whose URLs have a host, with their default ports.
var special = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21", "file": ""}

// parseURL (text, base) returns the normalized components of a URL.
func (v *VM) parseURL(fc goja.FunctionCall) goja.Value {
	text := fc.Argument(0).String()
	u := readURL(text)
	if base := fc.Argument(1); u != nil && u.Scheme == "" {
		if b := readURL(base.String()); !goja.IsUndefined(base) && b != nil && b.Scheme != "" && b.Opaque == "" {
			u = resolve(b, u)
		}
	}
	if u == nil || u.Scheme == "" {
		panic(v.rt.NewTypeError("Invalid URL: %q", text))
	}
	usual, isSpecial := special[u.Scheme]
	host, port := u.Hostname(), u.Port()
	if isSpecial && u.Scheme != "file" && host == "" {
		panic(v.rt.NewTypeError("Invalid URL: %q has no host", text))
	}
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n > 65535) {
		panic(v.rt.NewTypeError("Invalid URL: %q has a bad port", text))
	}
	if port == usual {
		port = ""
	}
	if strings.Contains(host, ":") {
		ip, err := netip.ParseAddr(host)
		if err != nil {
			panic(v.rt.NewTypeError("Invalid URL: %q has a bad host", text))
		}
		host = "[" + ip.String() + "]"
	} else if isSpecial && host != "" {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil && !strings.Contains(host, "_") { // which the web allows
			panic(v.rt.NewTypeError("Invalid URL: %q has a bad host", text))
		}
		if err != nil {
			ascii = strings.ToLower(host)
		}
		host = ascii
	}
	path, slashes := u.Opaque, false
	if path == "" {
		clean := (&url.URL{}).ResolveReference(u) // removes "." and ".."
		path, slashes = clean.EscapedPath(), isSpecial || u.Host != "" || strings.HasPrefix(text, u.Scheme+"://")
		if isSpecial && path == "" {
			path = "/"
		}
	}
	out := &object{}
	set := func(name string, x any) { out.put(name, v.rt.ToValue(x)) }
	set("protocol", u.Scheme+":")
	set("special", isSpecial && u.Scheme != "file")
	set("slashes", slashes)
	user, password := "", ""
	if u.User != nil {
		secret, _ := u.User.Password()
		user, _, _ = strings.Cut(url.UserPassword(u.User.Username(), "").String(), ":")
		_, password, _ = strings.Cut(url.UserPassword("", secret).String(), ":")
	}
	set("username", user)
	set("password", password)
	set("hostname", host)
	set("port", port)
	set("pathname", path)
	set("search", led("?", escapeSome(u.RawQuery, " \"#<>'")))
	fragment := u.RawFragment
	if fragment == "" {
		fragment = u.Fragment
	}
	set("hash", led("#", escapeSome(fragment, " \"<>`")))
	return v.rt.NewDynamicObject(out)
}

// readURL parses a URL as leniently as browsers; nil if it is invalid.
func readURL(text string) *url.URL {
	text = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, strings.TrimFunc(text, func(r rune) bool { return r <= ' ' }))
	scheme, rest, ok := strings.Cut(text, ":")
	if _, known := special[strings.ToLower(scheme)]; ok && known {
		end := strings.IndexAny(rest, "?#")
		if end < 0 {
			end = len(rest)
		}
		address := strings.ReplaceAll(rest[:end], `\`, "/")
		if strings.ToLower(scheme) != "file" {
			address = "//" + strings.TrimLeft(address, "/")
		}
		text = scheme + ":" + address + rest[end:]
	}
	u, err := url.Parse(strayPercent(text))
	if err != nil {
		return nil
	}
	return u
}

// resolve resolves ref against base.
func resolve(base, ref *url.URL) *url.URL {
	if _, ok := special[base.Scheme]; ok && strings.Contains(ref.Path, `\`) {
		fixed := *ref
		fixed.Path, fixed.RawPath = strings.ReplaceAll(ref.Path, `\`, "/"), ""
		ref = &fixed
	}
	return base.ResolveReference(ref)
}

// strayPercent escapes percent signs that do not begin an escape.
func strayPercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if s[i] == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])) {
			b.WriteString("25")
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func led(by, s string) string {
	if s == "" {
		return ""
	}
	return by + s
}

// escapeSome escapes the characters of set and those that are not ASCII.
func escapeSome(s, set string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(set, c) >= 0 {
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func parseQuery(q string) (pairs [][2]string) {
	for piece := range strings.SplitSeq(strings.TrimPrefix(q, "?"), "&") {
		if piece == "" {
			continue
		}
		k, x, _ := strings.Cut(piece, "=")
		pairs = append(pairs, [2]string{queryUnescape(k), queryUnescape(x)})
	}
	return pairs
}

func queryUnescape(s string) string {
	out, err := url.QueryUnescape(strayPercent(s))
	if err != nil {
		return s
	}
	return strings.ToValidUTF8(out, "\ufffd")
}

var queryFixes = strings.NewReplacer("~", "%7E", "%2A", "*")

func queryEscape(s string) string { return queryFixes.Replace(url.QueryEscape(s)) }
