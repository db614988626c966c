package core

import (
	"regexp"
	"strings"
	"unicode"

	"kumi/internal/random"
	"kumi/store/fault"
)

const (
	maxUsername = 128 // bytes
	minPassword = 8   // bytes
	// maxPassword is bcrypt's limit: it ignores further bytes.
	maxPassword = 72
)

var emailShape = regexp.MustCompile(`^.+@.+\..+$`)

var errUsernameLength = fault.Newf(fault.InvalidArgument, "Username invalid, must be 1-%d bytes.", maxUsername)

// checkUsername rejects control characters and the pair []. Spaces are
// allowed, despite the protocol's text.
func checkUsername(name string) error {
	if strings.Contains(name, "[]") || strings.IndexFunc(name, isControl) >= 0 {
		return invalid("Username invalid, no spaces or control characters allowed.")
	}
	if len(name) > maxUsername {
		return errUsernameLength
	}
	return nil
}

// usernameOrNew checks a name, or generates one if it is empty.
func usernameOrNew(name string) (string, error) {
	if name == "" {
		return newUsername(), nil
	}
	return name, checkUsername(name)
}

func newUsername() string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var name [10]byte
	for i := range name {
		name[i] = letters[random.IntN(len(letters))]
	}
	return string(name[:])
}

func checkDeviceID(id string) error { return checkID("Device ID", "Device ID invalid", id, 10) }
func checkCustomID(id string) error { return checkID("Custom ID", "Custom ID invalid", id, 6) }

// checkNewCustomID is checkCustomID for linking, which has other texts.
func checkNewCustomID(id string) error { return checkID("Custom ID", "Invalid custom ID", id, 6) }

func checkID(what, bad, id string, minBytes int) error {
	if id == "" {
		return invalid("%s is required.", what)
	}
	if !solid(id) {
		return invalid("%s, no spaces or control characters allowed.", bad)
	}
	if len(id) < minBytes || len(id) > 128 {
		return invalid("%s, must be %d-128 bytes.", bad, minBytes)
	}
	return nil
}

var errEmailAndPassword = fault.New(fault.InvalidArgument, "Email address and password is required.")

func checkEmail(email string) error {
	switch {
	case !solid(email):
		return invalid("Invalid email address, no spaces or control characters allowed.")
	case !emailShape.MatchString(email):
		return invalid("Invalid email address format.")
	case len(email) < 10 || len(email) > 255:
		return invalid("Invalid email address, must be 10-255 bytes.")
	}
	return nil
}

func checkPassword(password string) error {
	if len(password) < minPassword {
		return invalid("Password must be at least %d characters long.", minPassword)
	}
	return nil
}

// checkNewPassword also rejects passwords that bcrypt would truncate.
func checkNewPassword(password string) error {
	if len(password) > maxPassword {
		return invalid("Password must be at most %d bytes long.", maxPassword)
	}
	return checkPassword(password)
}

// solid reports whether s has no white space and control characters.
func solid(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return isControl(r) || unicode.IsSpace(r) }) < 0
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
