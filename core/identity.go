package core

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"unicode"
)

const (
	maxUsername = 128 // bytes
	minPassword = 8   // bytes
	// maxPassword is bcrypt's limit: it sees no byte beyond it.
	maxPassword = 72
)

var emailShape = regexp.MustCompile(`^.+@.+\..+$`)

// checkUsername refuses names that cannot be shown or typed. Spaces are fine.
func checkUsername(name string) error {
	if strings.Contains(name, "[]") || strings.IndexFunc(name, isControl) >= 0 {
		return invalid("username invalid, no control characters or [] allowed")
	}
	if len(name) > maxUsername {
		return invalid("username invalid, must be 1-%d bytes", maxUsername)
	}
	return nil
}

// usernameOrNew checks a name, or makes one up when it is empty.
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
		name[i] = letters[rand.IntN(len(letters))]
	}
	return string(name[:])
}

func checkDeviceID(id string) error { return checkID("device id", id, 10) }
func checkCustomID(id string) error { return checkID("custom id", id, 6) }

func checkID(what, id string, shortest int) error {
	if id == "" {
		return invalid("%s is required", what)
	}
	if !solid(id) {
		return invalid("%s invalid, no spaces or control characters allowed", what)
	}
	if len(id) < shortest || len(id) > 128 {
		return invalid("%s invalid, must be %d-128 bytes", what, shortest)
	}
	return nil
}

func checkEmail(email string) error {
	switch {
	case !solid(email):
		return invalid("email address invalid, no spaces or control characters allowed")
	case !emailShape.MatchString(email):
		return invalid("email address format is invalid")
	case len(email) < 10 || len(email) > 255:
		return invalid("email address invalid, must be 10-255 bytes")
	}
	return nil
}

func checkPassword(password string) error {
	if password == "" {
		return invalid("password must be set")
	}
	if len(password) < minPassword {
		return invalid("password must be at least %d bytes long", minPassword)
	}
	return nil
}

// checkNewPassword also refuses what bcrypt would cut off.
func checkNewPassword(password string) error {
	if len(password) > maxPassword {
		return invalid("password must be at most %d bytes long", maxPassword)
	}
	return checkPassword(password)
}

// solid means without white space and control characters.
func solid(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return isControl(r) || unicode.IsSpace(r) }) < 0
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
