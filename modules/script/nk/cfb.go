package nk

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"

	"kumi/store/fault"
)

// AES in CFB mode, as in Nakama: the result begins with a random initialization
// vector, and the plain text is padded with spaces to a multiple of four bytes. The
// standard library has deprecated CFB, because it has no authentication; data that
// modules have stored must stay readable.

func encryptCFB(key, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, "error creating cipher", err)
	}
	if n := len(plain) % 4; n != 0 {
		plain = append(plain[:len(plain):len(plain)], bytes.Repeat([]byte{' '}, 4-n)...)
	}
	out := make([]byte, aes.BlockSize+len(plain))
	if _, err := rand.Read(out[:aes.BlockSize]); err != nil {
		return nil, fault.Wrap(fault.Internal, "error making an initialization vector", err)
	}
	prev := out[:aes.BlockSize]
	cfb(block, prev, out[aes.BlockSize:], plain, func(at, n int) []byte { return out[aes.BlockSize+at:][:n] })
	return out, nil
}

func decryptCFB(key, in []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, "error creating cipher", err)
	}
	if len(in) < aes.BlockSize {
		return nil, fault.New(fault.InvalidArgument, "the cipher text is too short")
	}
	data := in[aes.BlockSize:]
	out := make([]byte, len(data))
	cfb(block, in[:aes.BlockSize], out, data, func(at, n int) []byte { return data[at:][:n] })
	return out, nil
}

// cfb combines data with the key stream into out. The key stream of a block is the
// encryption of the cipher text block before it, which before returns.
func cfb(block cipher.Block, iv, out, data []byte, before func(at, n int) []byte) {
	var stream [aes.BlockSize]byte
	prev := iv
	for at := 0; at < len(data); at += aes.BlockSize {
		block.Encrypt(stream[:], prev)
		n := min(aes.BlockSize, len(data)-at)
		for i := range n {
			out[at+i] = data[at+i] ^ stream[i]
		}
		if n == aes.BlockSize {
			prev = before(at, n)
		}
	}
}
