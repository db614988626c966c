package core

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// Clients keep the cursors of notifications and of channels for long, so those
// that Nakama handed out are read, too: a gob of one of these structs in base64,
// padded or not, in either alphabet. gob matches fields by name.

type nakamaNotificationCursor struct {
	NotificationID []byte
	CreateTime     int64 // Unix nanoseconds
}

type nakamaMessageCursor struct {
	StreamMode       uint8
	StreamSubject    string
	StreamSubcontext string
	StreamLabel      string
	CreateTime       int64 // Unix nanoseconds
	Id               string
	Forward          bool
	IsNext           bool // false leads to the page before
}

type nakamaStorageCursor struct {
	Key    string
	UserID uuid.UUID
	Read   int32
}

// decodeNakama reads a cursor that Nakama made into one of the structs above.
// The error is errCursor.
func decodeNakama(cursor string, position any) (err error) {
	if len(cursor) > maxCursor {
		return errCursor
	}
	// gob is not made for what clients send: short as it is, it may still panic.
	defer func() {
		if recover() != nil {
			err = errCursor
		}
	}()
	encoding := base64.RawURLEncoding
	if strings.ContainsAny(cursor, "+/") {
		encoding = base64.RawStdEncoding
	}
	raw, err := encoding.DecodeString(strings.TrimRight(cursor, "="))
	if err != nil || !gobLengthsFit(raw) || gob.NewDecoder(bytes.NewReader(raw)).Decode(position) != nil {
		return errCursor
	}
	return nil
}

// gobLengthsFit reports whether every message of a gob stream is as long as its
// length prefix says. The decoder allocates what a prefix announces before it
// reads, so eight bytes from a client could cost ten megabytes.
func gobLengthsFit(stream []byte) bool {
	for len(stream) > 0 {
		length, width := uint64(stream[0]), 1
		if length > 0x7f { // the negated number of bytes that follow, high byte first
			n := 256 - int(length)
			if n > 8 || len(stream) < 1+n {
				return false
			}
			length = 0
			for _, b := range stream[1 : 1+n] {
				length = length<<8 | uint64(b)
			}
			width += n
		}
		stream = stream[width:]
		if length > uint64(len(stream)) {
			return false
		}
		stream = stream[length:]
	}
	return true
}

// fromNakama reads a cursor of Nakama's notifications. One without an id is of
// an empty list.
func (p *notificationPosition) fromNakama(cursor string) error {
	var c nakamaNotificationCursor
	if err := decodeNakama(cursor, &c); err != nil {
		return err
	}
	p.Created, p.ID = time.Unix(0, c.CreateTime).UTC(), uuid.Nil
	if len(c.NotificationID) > 0 {
		var err error
		if p.ID, err = uuid.FromBytes(c.NotificationID); err != nil {
			return errCursor
		}
	}
	return nil
}

// fromNakama reads a cursor of Nakama's channels.
func (p *messagePosition) fromNakama(cursor string) error {
	var c nakamaMessageCursor
	if err := decodeNakama(cursor, &c); err != nil {
		return err
	}
	id, err := uuid.FromString(c.Id)
	if err != nil {
		return errCursor
	}
	on := presence.Stream{Mode: c.StreamMode, Label: c.StreamLabel}
	on.Subject, on.Subcontext = uuid.FromStringOrNil(c.StreamSubject), uuid.FromStringOrNil(c.StreamSubcontext)
	*p = messagePosition{Channel: on.ChannelID(), Created: time.Unix(0, c.CreateTime).UTC(), ID: id, Forward: c.Forward, Back: !c.IsNext}
	return nil
}

// fromNakama reads a cursor of Nakama's storage lists.
func (p *objectPosition) fromNakama(cursor string) error {
	var c nakamaStorageCursor
	if err := decodeNakama(cursor, &c); err != nil {
		return err
	}
	*p = objectPosition{Read: c.Read, Key: c.Key, Owner: c.UserID}
	return nil
}
