package core

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A cursor is opaque to clients: URL-safe base64 of a letter, which says what it pages
// through so that another list refuses it, and of a position as JSON.

const (
	storageCursor      byte = 's'
	ledgerCursor       byte = 'w'
	notificationCursor byte = 'n'
	messageCursor      byte = 'm'
	groupCursor        byte = 'g'
	groupUserCursor    byte = 'u'
	userGroupCursor    byte = 'o'
	friendCursor       byte = 'f'
	friendOfCursor     byte = 'e'
	partyCursor        byte = 'p'
	recordCursor       byte = 'r'
	boardCursor        byte = 'b'
	tournamentCursor   byte = 't'
	indexListCursor    byte = 'x'
	purchaseCursor     byte = 'c'
	subscriptionCursor byte = 'd'
	auditCursor        byte = 'a'
	accountCursor      byte = 'i'
	consoleGroupCursor byte = 'j'
	consoleNotifCursor byte = 'k'
	consoleStoreCursor byte = 'l'
	consoleBoardCursor byte = 'q'
	ledgerPageCursor   byte = 'v'
	noteCursor         byte = 'y'
	recordingCursor    byte = 'z'
)

func encodeCursor(kind byte, position any) (string, error) {
	text, err := json.Marshal(position)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append([]byte{kind}, text...)), nil
}

var errCursor = errors.New("not a cursor of this list")

// maxCursor is the maximum length of a cursor from a client, in bytes. The longest that
// the server makes are those of storage indexes, with the values of up to 8 fields.
const maxCursor = 16 << 10

func decodeCursor(kind byte, cursor string, position any) error {
	if len(cursor) > maxCursor {
		return errCursor
	}
	if strings.ContainsAny(cursor, "+/=") { // a client that wrote it in another alphabet
		cursor = strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(cursor)
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil && (len(text) == 0 || text[0] != kind) {
		return errCursor
	}
	if err == nil {
		err = json.Unmarshal(text[1:], position)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errCursor, err)
	}
	return nil
}

// storable reports whether databases can compare with a time, which in a cursor may be
// any.
func storable(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 1 && y <= 9999
}
