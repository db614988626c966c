package nk

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"kumi/core"
	"kumi/vm"
)

var codecTable = []vm.Func[*core.Module]{
	{Name: vm.N("base64_encode"), Live: true, Body: encodeBase64(base64.StdEncoding)},
	{Name: vm.N("base64_decode"), Live: true, Body: decodeBase64(base64.RawStdEncoding)},
	{Name: vm.NameAs("base64url_encode", "base64UrlEncode"), Live: true, Body: encodeBase64(base64.URLEncoding)},
	{Name: vm.NameAs("base64url_decode", "base64UrlDecode"), Live: true, Body: decodeBase64(base64.RawURLEncoding)},
	{Name: vm.N("base16_encode"), Live: true, Body: base16Encode},
	{Name: vm.N("base16_decode"), Live: true, Body: base16Decode},
	{Name: vm.N("binary_to_string"), Only: vm.JS, Live: true, Body: binaryToString},
	{Name: vm.N("string_to_binary"), Only: vm.JS, Live: true, Body: stringToBinary},
}

// input reads a string or binary argument. Lua does not accept an empty one.
func input(c *vm.Call, name string) []byte {
	b := c.Data(name)
	if len(b) == 0 && c.E.Lang() == vm.Lua {
		c.Invalid(name, "expected a non-empty string")
	}
	return b
}

func encodeBase64(enc *base64.Encoding) func(*core.Module, *vm.Call) error {
	bare := enc.WithPadding(base64.NoPadding)
	return func(_ *core.Module, c *vm.Call) error {
		in := input(c, "input")
		padding := c.OptBool("padding", true)
		if err := c.Err(); err != nil {
			return err
		}
		if !padding {
			return c.ReturnStr("output", bare.EncodeToString(in), nil)
		}
		return c.ReturnStr("output", enc.EncodeToString(in), nil)
	}
}

// decodeBase64 accepts text with and without padding, whatever the argument padding
// says: in Nakama it only decides whether unpadded text is refused, and not in the
// same way for both alphabets and languages.
func decodeBase64(bare *base64.Encoding) func(*core.Module, *vm.Call) error {
	return func(_ *core.Module, c *vm.Call) error {
		in := string(input(c, "input"))
		c.OptBool("padding", true)
		if err := c.Err(); err != nil {
			return err
		}
		out, err := bare.DecodeString(strings.TrimRight(in, "="))
		if err != nil {
			c.Fail(0, "input", "expected valid base64: "+err.Error())
			return c.Err()
		}
		return c.ReturnBytes("output", out, nil)
	}
}

func base16Encode(_ *core.Module, c *vm.Call) error {
	in := input(c, "input")
	if err := c.Err(); err != nil {
		return err
	}
	return c.ReturnStr("output", hex.EncodeToString(in), nil)
}

func base16Decode(_ *core.Module, c *vm.Call) error {
	in := input(c, "input")
	if err := c.Err(); err != nil {
		return err
	}
	out, err := hex.DecodeString(string(in))
	if err != nil {
		c.Fail(0, "input", "expected valid base16: "+err.Error())
		return c.Err()
	}
	return c.ReturnBytes("output", out, nil)
}

func binaryToString(_ *core.Module, c *vm.Call) error {
	in := c.Text("input")
	if !utf8.ValidString(in) {
		c.Invalid("input", "expected data that is valid UTF-8")
	}
	if err := c.Err(); err != nil {
		return err
	}
	return c.ReturnStr("output", in, nil)
}

func stringToBinary(_ *core.Module, c *vm.Call) error {
	in := c.Str("input")
	if err := c.Err(); err != nil {
		return err
	}
	return c.ReturnBytes("output", []byte(in), nil)
}
