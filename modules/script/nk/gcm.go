package nk

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

// AES in GCM mode, which detects changed data. The result is a random nonce of 12
// bytes, the data and a tag of 16 bytes. As with CFB that is binary in Lua and base64
// text in JavaScript.
var gcmTable = []vm.Func[*core.Module]{
	{Name: vm.N("aes_gcm_encrypt"), Body: gcmEncrypt},
	{Name: vm.N("aes_gcm_decrypt"), Live: true, Body: gcmDecrypt(false)},
	// For data that is not text; Lua has one type for both.
	{Name: vm.N("aes_gcm_decrypt_binary"), Only: vm.JS, Live: true, Body: gcmDecrypt(true)},
}

// gcm reads the key argument, of 16 or 32 bytes, and the additional data that is
// authenticated with the input.
func gcm(c *vm.Call) (cipher.AEAD, []byte) {
	key := c.Data("key")
	if len(key) != 16 && len(key) != 32 {
		c.Invalid("key", "expected a key of 16 or 32 bytes")
	}
	extra := c.OptData("additional_data")
	if c.Err() != nil {
		return nil, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		c.Fail(1, "key", err.Error())
		return nil, nil
	}
	sealed, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		c.Fail(1, "key", err.Error())
	}
	return sealed, extra
}

func gcmEncrypt(_ *core.Module, c *vm.Call) error {
	in := c.Data("input")
	aead, extra := gcm(c)
	if err := c.Err(); err != nil {
		return err
	}
	out := aead.Seal(nil, nil, in, extra)
	if c.E.Lang() == vm.JS {
		return c.ReturnStr("output", base64.StdEncoding.EncodeToString(out), nil)
	}
	return c.ReturnBytes("output", out, nil)
}

// gcmDecrypt returns a string, as with CFB, or binary data.
func gcmDecrypt(binary bool) func(*core.Module, *vm.Call) error {
	return func(_ *core.Module, c *vm.Call) error {
		in := c.Data("input")
		if c.E.Lang() == vm.JS && c.Err() == nil {
			raw, err := base64.StdEncoding.DecodeString(string(in))
			if err != nil {
				c.Invalid("input", "expected valid base64: "+err.Error())
			}
			in = raw
		}
		aead, extra := gcm(c)
		if err := c.Err(); err != nil {
			return err
		}
		out, err := aead.Open(nil, nil, in, extra)
		if err != nil {
			return fault.New(fault.InvalidArgument, "the data cannot be decrypted: the key or the additional data is wrong, or the data was changed")
		}
		if binary {
			return c.ReturnBytes("output", out, nil)
		}
		return c.ReturnStr("output", string(out), nil)
	}
}
