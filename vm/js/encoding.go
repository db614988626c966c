package js

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"kumi/store/fault"
)

// window returns the memory of an ArrayBuffer or a view, not a copy.
func (v *VM) window(x goja.Value) ([]byte, bool) {
	o, ok := x.(*goja.Object)
	if !ok || !isBinary(o, o.ExportType()) {
		return nil, false
	}
	if b, ok := o.Export().(goja.ArrayBuffer); ok {
		return b.Bytes(), !b.Detached()
	}
	buffer, ok := o.Get("buffer").(*goja.Object)
	if !ok {
		return nil, false
	}
	b, ok := buffer.Export().(goja.ArrayBuffer)
	if !ok || b.Detached() {
		return nil, false
	}
	from, size, all := o.Get("byteOffset").ToInteger(), o.Get("byteLength").ToInteger(), b.Bytes()
	if from < 0 || size < 0 || from+size > int64(len(all)) {
		return nil, false
	}
	return all[from : from+size : from+size], true
}

// digest implements crypto.subtle.digest. The algorithm is a name, or an object with
// a property name.
func (v *VM) digest(algorithm, data goja.Value) ([]byte, error) {
	if o, ok := algorithm.(*goja.Object); ok {
		algorithm = o.Get("name")
	}
	name, _ := stringOf(algorithm)
	b, ok := v.window(data)
	if !ok {
		return nil, fault.New(fault.InvalidArgument, "digest takes an ArrayBuffer or a view of one")
	}
	switch strings.ToUpper(name) {
	case "SHA-1":
		sum := sha1.Sum(b)
		return sum[:], nil
	case "SHA-256":
		sum := sha256.Sum256(b)
		return sum[:], nil
	case "SHA-384":
		sum := sha512.Sum384(b)
		return sum[:], nil
	case "SHA-512":
		sum := sha512.Sum512(b)
		return sum[:], nil
	}
	return nil, fault.Newf(fault.InvalidArgument, "digest supports SHA-1, SHA-256, SHA-384 and SHA-512, not %q", name)
}

// atob and btoa convert strings whose characters are bytes.

func (v *VM) atob(fc goja.FunctionCall) goja.Value {
	text := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\n\f\r", r) {
			return -1
		}
		return r
	}, fc.Argument(0).String())
	if len(text)%4 == 0 {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "="), "=")
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		v.throw(fault.New(fault.InvalidArgument, "atob: the text is not Base64"))
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return v.rt.ToValue(string(runes))
}

func (v *VM) btoa(fc goja.FunctionCall) goja.Value {
	text := fc.Argument(0).String()
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 255 {
			v.throw(fault.New(fault.InvalidArgument, "btoa: the text has a character above 255; encode it first, for example with TextEncoder"))
		}
		b = append(b, byte(r))
	}
	return v.rt.ToValue(base64.StdEncoding.EncodeToString(b))
}

func (v *VM) text() *goja.Object {
	type call = func(goja.FunctionCall) goja.Value
	return v.together(v.web("text", map[string]call{
		"encode": func(fc goja.FunctionCall) goja.Value {
			return v.rt.ToValue(v.rt.NewArrayBuffer([]byte(strings.ToValidUTF8(fc.Argument(0).String(), "\ufffd"))))
		},
		"decode": v.decode,
	}), "TextEncoder", "TextDecoder")
}

// decode (data, encoding, fatal, ignoreBOM) implements TextDecoder.decode.
func (v *VM) decode(fc goja.FunctionCall) goja.Value {
	b := []byte{}
	if data := fc.Argument(0); !goja.IsUndefined(data) {
		var ok bool
		if b, ok = v.window(data); !ok {
			panic(v.rt.NewTypeError("decode takes an ArrayBuffer or a view of one"))
		}
	}
	if !fc.Argument(3).ToBoolean() {
		b = b[len(bom(b)):]
	}
	if fc.Argument(1).String() == "latin1" {
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return v.rt.ToValue(string(runes))
	}
	if utf8.Valid(b) {
		return v.rt.ToValue(string(b))
	}
	if fc.Argument(2).ToBoolean() {
		panic(v.rt.NewTypeError("the data is not valid UTF-8"))
	}
	return v.rt.ToValue(string([]rune(string(b)))) // each invalid byte becomes U+FFFD
}

func bom(b []byte) string {
	const mark = "\ufeff"
	if strings.HasPrefix(string(b[:min(len(b), len(mark))]), mark) {
		return mark
	}
	return ""
}
