package vm

import (
	"encoding/binary"
	"fmt"
	"math"

	"kumi/store/fault"
)

// Imager is a VM that can write a value as bytes and read it back, in this process or
// another: for matches that move to reloaded code, survive a restart or are recorded.
type Imager interface {
	// Image appends the image of x to dst: plain data and, in JavaScript, Map, Set,
	// Date, RegExp, errors and binary data. Shared references and cycles are preserved,
	// and so is the order of properties, keys and elements. A value has the same image
	// whenever it is written.
	//
	// Other values have no image. With lenient, functions and the like are left out,
	// instances of classes and tables with a metatable become plain data, and lost
	// lists them; otherwise the error is an *UntransferableError. Values that are
	// nested too deeply or larger than MaxImage have the code FailedPrecondition.
	//
	// The VM must be owned by the caller. Getters are called; x is not changed.
	Image(x Ref, lenient bool, dst []byte) (image []byte, lost []Untransferable, err error)
	// FromImage makes the value of an image that a VM of the same language wrote, with
	// this or an earlier version of the server. Any bytes may be passed: the error of
	// those that are no image has the code InvalidArgument. image is not kept.
	FromImage(image []byte) (Ref, error)
}

const (
	// MaxImage is the maximum size of an image, in bytes.
	MaxImage = 64 << 20
	// MaxImageDepth is the maximum nesting of the value in an image, which linked lists
	// reach most easily.
	MaxImageDepth = 5000
)

// An image is a header (imageMagic, the version, the first letter of the language) and a value. A value is
// an ImageTag and what belongs to it, as the comments of the tags say. n is a number as
// of binary.AppendUvarint, text is n and n bytes. Tables and objects are numbered in the
// order in which they begin, for TagSame.
const (
	imageMagic   = "KI"
	imageVersion = 1
)

// ImageTag is the first byte of a value in an image. The numbers are part of the format.
type ImageTag byte

// The tags of both languages.
const (
	TagEnd    ImageTag = iota // the end of a list of values
	TagAbsent                 // a value that has no image: its property or element is left out
	TagNil                    // null in JavaScript
	TagFalse
	TagTrue
	TagInt   // a whole number: zigzag n
	TagFloat // any other number: 8 bytes, IEEE 754, little endian
	TagText  // text: UTF-8 in JavaScript, any bytes in Lua
	TagSame  // n: the table or object of that number, again
	TagTable // n, n values with the keys from 1; fields
)

// The tags of JavaScript.
const (
	TagUndefined ImageTag = iota + 32
	TagHole               // of an array
	TagText16             // n, n 16-bit units, little endian: a string with lone surrogates
	TagBig                // TagTrue if it is negative, otherwise TagFalse; text: the magnitude, big endian
	TagObject             // fields
	TagBare               // fields: an object without a prototype
	TagArray              // n, n values; fields
	TagSparse             // n: the length; fields, also for the elements
	TagMap                // keys and values in turn, TagEnd
	TagSet                // values, TagEnd
	TagDate               // 8 bytes: milliseconds as a float
	TagRegExp             // values: source, flags, lastIndex
	TagBoxed              // value: that of an object such as new Number(1)
	TagBuffer             // text: an ArrayBuffer
	TagView               // n: the kind; value: the buffer; n: offset in bytes; n: length
	TagError              // n: the class; values: message, stack; fields
)

// Fields are pairs of a key and a value. A key is one of these numbers; keys from
// keyKnown on are the strings that came with keyText before, counted from 0.
const (
	keyEnd   = iota // the end of the fields
	keyText         // text
	keyValue        // a value of any other type, in Lua
	keyKnown
)

// ImageWriter writes the parts of an image. It is reused with Begin.
type ImageWriter struct {
	B    []byte // what was written, beginning with the dst of Begin
	from int
	keys map[string]uint64
}

// Begin begins an image behind dst.
func (w *ImageWriter) Begin(dst []byte, l Lang) {
	if w.keys == nil {
		w.keys = map[string]uint64{}
	}
	clear(w.keys)
	w.from = len(dst)
	w.B = append(append(dst, imageMagic...), imageVersion, l.String()[0])
}

// TooLarge tells whether the image is larger than MaxImage.
func (w *ImageWriter) TooLarge() bool { return len(w.B)-w.from > MaxImage }

// Tag writes a tag.
func (w *ImageWriter) Tag(t ImageTag) { w.B = append(w.B, byte(t)) }

// Uint writes n.
func (w *ImageWriter) Uint(n uint64) { w.B = binary.AppendUvarint(w.B, n) }

// Text writes text.
func (w *ImageWriter) Text(s string) {
	w.Uint(uint64(len(s)))
	w.B = append(w.B, s...)
}

// Bytes writes text.
func (w *ImageWriter) Bytes(b []byte) {
	w.Uint(uint64(len(b)))
	w.B = append(w.B, b...)
}

// Float64 writes 8 bytes. All NaN are the same.
func (w *ImageWriter) Float64(f float64) {
	if f != f {
		f = math.NaN()
	}
	w.B = binary.LittleEndian.AppendUint64(w.B, math.Float64bits(f))
}

// Number writes a value that is a number.
func (w *ImageWriter) Number(f float64) {
	const exact = 1 << 53
	if n := int64(f); -exact <= f && f <= exact && float64(n) == f && (n != 0 || !math.Signbit(f)) {
		w.Tag(TagInt)
		w.B = binary.AppendVarint(w.B, n)
		return
	}
	w.Tag(TagFloat)
	w.Float64(f)
}

// Bool writes a value that is a boolean.
func (w *ImageWriter) Bool(b bool) {
	if b {
		w.Tag(TagTrue)
	} else {
		w.Tag(TagFalse)
	}
}

// Key writes the key of a field.
func (w *ImageWriter) Key(key string) {
	if n, ok := w.keys[key]; ok {
		w.Uint(n)
		return
	}
	w.keys[key] = keyKnown + uint64(len(w.keys))
	w.Uint(keyText)
	w.Text(key)
}

// KeyValue begins the key of a field that is the value written next.
func (w *ImageWriter) KeyValue() { w.Uint(keyValue) }

// EndFields ends the fields.
func (w *ImageWriter) EndFields() { w.Uint(keyEnd) }

// ImageReader reads the parts of an image. After an error, which Err returns, everything
// is empty and each list at its end.
type ImageReader struct {
	data  []byte
	at    int
	left  int // how many elements may still be announced, as each takes a byte
	depth int
	keys  []string
	err   error
}

// NewImageReader begins to read an image of a language.
func NewImageReader(image []byte, l Lang) *ImageReader {
	r := &ImageReader{data: image, left: len(image)}
	const header = len(imageMagic) + 2
	switch {
	case len(image) < header || string(image[:len(imageMagic)]) != imageMagic:
		r.Fail("it does not begin like one")
	case image[header-2] != imageVersion:
		r.Fail(fmt.Sprintf("its version is %d, and this server reads version %d", image[header-2], imageVersion))
	case image[header-1] != l.String()[0]:
		r.Fail("it is of another language than " + l.String())
	case len(image) > MaxImage:
		r.Fail(fmt.Sprintf("it has %d bytes, more than %d", len(image), MaxImage))
	}
	r.at = header
	return r
}

// Fail ends the reading with an error.
func (r *ImageReader) Fail(reason string) {
	if r.err == nil {
		r.err = fault.Newf(fault.InvalidArgument, "not an image of a state: %s (at byte %d of %d)", reason, r.at, len(r.data))
		r.at = len(r.data)
	}
}

// Err returns the first error.
func (r *ImageReader) Err() error { return r.err }

// End expects the end of the image.
func (r *ImageReader) End() {
	if r.err == nil && r.at < len(r.data) {
		r.Fail("it goes on after its end")
	}
}

// Enter is called before the parts of a value are read, and reports whether it may be
// nested so deeply; Leave follows.
func (r *ImageReader) Enter() bool {
	r.depth++
	if r.depth > MaxImageDepth+1 {
		r.Fail("it is nested too deeply")
	}
	return r.err == nil
}

// Leave ends what Enter began.
func (r *ImageReader) Leave() { r.depth-- }

// Tag reads a tag.
func (r *ImageReader) Tag() ImageTag {
	if b := r.take(1); len(b) == 1 {
		return ImageTag(b[0])
	}
	return TagEnd
}

// Uint reads n.
func (r *ImageReader) Uint() uint64 {
	n, size := uint64(0), 0
	if r.err == nil {
		if n, size = binary.Uvarint(r.data[r.at:]); size <= 0 {
			r.Fail("a number is incomplete")
			return 0
		}
	}
	r.at += size
	return n
}

// Int reads zigzag n.
func (r *ImageReader) Int() int64 {
	n := r.Uint()
	return int64(n>>1) ^ -int64(n&1)
}

// Float64 reads 8 bytes.
func (r *ImageReader) Float64() float64 {
	b := r.take(8)
	if len(b) < 8 {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// Bytes reads text, as a part of the image.
func (r *ImageReader) Bytes() []byte { return r.take(r.Uint()) }

// Text reads text.
func (r *ImageReader) Text() string { return string(r.Bytes()) }

// Units reads n 16-bit units.
func (r *ImageReader) Units() []uint16 {
	n := r.Uint()
	if n > MaxImage {
		r.Fail("a text is too long")
		return nil
	}
	b := r.take(2 * n)
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return units
}

func (r *ImageReader) take(n uint64) []byte {
	if r.err == nil && n > uint64(len(r.data)-r.at) {
		r.Fail("it ends too early")
	}
	if r.err != nil {
		return nil
	}
	b := r.data[r.at : r.at+int(n)]
	r.at += int(n)
	return b
}

// Count reads the number of elements that follow.
func (r *ImageReader) Count() int {
	n := r.Uint()
	if r.err == nil && n > uint64(r.left) {
		r.Fail("it has too many elements")
	}
	if r.err != nil {
		return 0
	}
	r.left -= int(n)
	return int(n)
}

// Key reads the key of a field; more is false at their end. If other is true, the key is
// the value that follows.
func (r *ImageReader) Key() (key string, other, more bool) {
	switch n := r.Uint(); {
	case r.err != nil || n == keyEnd:
		return "", false, false
	case n == keyText:
		key = r.Text()
		r.keys = append(r.keys, key)
		return key, false, r.err == nil
	case n == keyValue:
		return "", true, true
	case n-keyKnown < uint64(len(r.keys)):
		return r.keys[n-keyKnown], false, true
	}
	r.Fail("a key is unknown")
	return "", false, false
}
