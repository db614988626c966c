package nk

import (
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"

	"github.com/golang-jwt/jwt/v5"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

var cryptoTable = []vm.Func[*core.Module]{
	{Name: vm.N("aes128_encrypt"), Body: aesEncrypt(16)},
	{Name: vm.N("aes128_decrypt"), Live: true, Body: aesDecrypt(16)},
	{Name: vm.N("aes256_encrypt"), Body: aesEncrypt(32)},
	{Name: vm.N("aes256_decrypt"), Live: true, Body: aesDecrypt(32)},
	{Name: vm.N("md5_hash"), Live: true, Body: hash(func(in []byte) []byte { s := md5.Sum(in); return s[:] })},
	{Name: vm.N("sha256_hash"), Live: true, Body: hash(func(in []byte) []byte { s := sha256.Sum256(in); return s[:] })},
	{Name: vm.N("hmac_sha256_hash"), Live: true, Body: hmacSHA256},
	{Name: vm.N("rsa_sha256_hash"), Live: true, Body: rsaSHA256},
	{Name: vm.N("bcrypt_hash"), Body: bcryptHash},
	{Name: vm.N("bcrypt_compare"), Live: true, Body: bcryptCompare},
	{Name: vm.N("secure_random_bytes"), Body: secureRandomBytes},
	{Name: vm.N("jwt_generate"), Live: true, Body: jwtGenerate},
}

// aesKey reads the key argument, which must have size bytes.
func aesKey(c *vm.Call, size int) []byte {
	key := c.Data("key")
	if len(key) != size {
		c.Invalid("key", "expected a key of "+map[int]string{16: "16", 32: "32"}[size]+" bytes")
	}
	return key
}

// aesEncrypt returns binary data in Lua and base64 text in JavaScript.
func aesEncrypt(size int) func(*core.Module, *vm.Call) error {
	return func(_ *core.Module, c *vm.Call) error {
		in := c.Data("input")
		if len(in) == 0 {
			c.Invalid("input", "expected a non-empty string")
		}
		key := aesKey(c, size)
		if err := c.Err(); err != nil {
			return err
		}
		out, err := encryptCFB(key, in)
		if c.E.Lang() == vm.JS {
			return c.ReturnStr("output", base64.StdEncoding.EncodeToString(out), err)
		}
		return c.ReturnBytes("output", out, err)
	}
}

func aesDecrypt(size int) func(*core.Module, *vm.Call) error {
	return func(_ *core.Module, c *vm.Call) error {
		in := c.Data("input")
		if len(in) == 0 {
			c.Invalid("input", "expected a non-empty string")
		}
		if c.E.Lang() == vm.JS && c.Err() == nil {
			raw, err := base64.StdEncoding.DecodeString(string(in))
			if err != nil {
				c.Invalid("input", "expected valid base64: "+err.Error())
			}
			in = raw
		}
		key := aesKey(c, size)
		if err := c.Err(); err != nil {
			return err
		}
		out, err := decryptCFB(key, in)
		return c.ReturnStr("output", string(out), err)
	}
}

func hash(sum func([]byte) []byte) func(*core.Module, *vm.Call) error {
	return func(_ *core.Module, c *vm.Call) error {
		in := input(c, "input")
		if err := c.Err(); err != nil {
			return err
		}
		return c.ReturnStr("hash", hex.EncodeToString(sum(in)), nil)
	}
}

func hmacSHA256(_ *core.Module, c *vm.Call) error {
	in := input(c, "input")
	key := c.Data("key")
	if len(key) == 0 {
		c.Invalid("key", "expected a non-empty string")
	}
	if err := c.Err(); err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(in)
	return c.ReturnBytes("mac", mac.Sum(nil), nil)
}

// rsaSHA256 returns the signature as a string in both languages. In JavaScript each
// character stands for one byte.
func rsaSHA256(_ *core.Module, c *vm.Call) error {
	in := input(c, "input")
	key := c.StrNonEmpty("key")
	if err := c.Err(); err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return fault.New(fault.InvalidArgument, "error parsing key: expected an RSA private key in PEM form")
	}
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return fault.Wrap(fault.InvalidArgument, "error parsing key: expected an RSA private key in PKCS#1 form", err)
	}
	sum := sha256.Sum256(in)
	sig, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	if err != nil {
		return fault.Wrap(fault.Internal, "error signing input", err)
	}
	if c.E.Lang() == vm.JS {
		chars := make([]rune, len(sig))
		for i, b := range sig {
			chars[i] = rune(b)
		}
		return c.ReturnStr("signature", string(chars), nil)
	}
	return c.ReturnBytes("signature", sig, nil)
}

func bcryptHash(nk *core.Module, c *vm.Call) error {
	in := input(c, "input")
	if err := c.Err(); err != nil {
		return err
	}
	out, err := nk.BcryptHash(c.Ctx, in)
	return c.ReturnStr("hash", string(out), err)
}

func bcryptCompare(nk *core.Module, c *vm.Call) error {
	hash := c.Data("hash")
	plain := c.Data("plaintext")
	if err := c.Err(); err != nil {
		return err
	}
	same, err := nk.BcryptCompare(c.Ctx, hash, plain)
	return c.ReturnBool("matches", same, err)
}

func secureRandomBytes(_ *core.Module, c *vm.Call) error {
	n := c.Int("count")
	if n < 1 || n > 1000 {
		c.Invalid("count", "expected a number from 1 to 1000")
	}
	if err := c.Err(); err != nil {
		return err
	}
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return fault.Wrap(fault.Internal, "error reading random bytes", err)
	}
	return c.ReturnBytes("bytes", b, nil)
}

func jwtGenerate(_ *core.Module, c *vm.Call) error {
	alg := c.Str("signing_method")
	key := c.StrNonEmpty("signing_key")
	claims := c.Map("claims")
	if c.Err() == nil && alg != "HS256" && alg != "RS256" {
		c.Fail(0, "signing_method", "unsupported signing method - only HS256 and RS256 are allowed")
	}
	if err := c.Err(); err != nil {
		return err
	}
	var method jwt.SigningMethod = jwt.SigningMethodHS256
	var secret any = []byte(key)
	if alg == "RS256" {
		block, _ := pem.Decode([]byte(key))
		if block == nil {
			return fault.New(fault.InvalidArgument, "could not parse private key: no valid PEM blocks")
		}
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return fault.Wrap(fault.InvalidArgument, "could not parse private key: expected PKCS#8 form", err)
		}
		method, secret = jwt.SigningMethodRS256, private
	}
	token, err := jwt.NewWithClaims(method, jwt.MapClaims(claims)).SignedString(secret)
	if err != nil {
		err = fault.Wrap(fault.InvalidArgument, "failed to sign token: "+err.Error(), err)
	}
	return c.ReturnStr("token", token, err)
}
