package index

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/gofrs/uuid/v5"
)

// Position is where a page ended in the order of a list; the next page begins after it.
// It consists of values and does not refer to slots, so it is valid on every server and
// after a restart, even if the entry itself is gone. It marshals to JSON.
type Position struct {
	keys    []scalar
	updated int64
	id      ID
}

type positionJSON struct {
	Keys    []scalarJSON `json:"k,omitempty"`
	Updated int64        `json:"t"`
	Key     string       `json:"o"`
	Owner   uuid.UUID    `json:"u"`
}

// scalarJSON is a scalar as JSON. A number is its bits, because JSON has no infinities. A
// text is its bytes, because it may have been cut within a character, which a JSON string
// cannot represent.
type scalarJSON struct {
	Kind   kind       `json:"k,omitempty"`
	Number uint64     `json:"n,omitempty"`
	Date   *time.Time `json:"d,omitempty"`
	Text   []byte     `json:"s,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (p *Position) MarshalJSON() ([]byte, error) {
	out := positionJSON{Updated: p.updated, Key: p.id.Key, Owner: p.id.Owner}
	for _, s := range p.keys {
		k := scalarJSON{Kind: s.kind, Text: []byte(s.text), Number: math.Float64bits(s.num)}
		if s.kind == date {
			k.Date = &s.date
		}
		out.Keys = append(out.Keys, k)
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *Position) UnmarshalJSON(b []byte) error {
	var in positionJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*p = Position{updated: in.Updated, id: ID{in.Key, in.Owner}}
	for _, k := range in.Keys {
		s := scalar{kind: k.Kind, num: math.Float64frombits(k.Number), text: string(k.Text)}
		if k.Date != nil {
			s.date = *k.Date
		}
		if s.kind > none {
			return fmt.Errorf("unknown kind of value %d in a position", s.kind)
		}
		p.keys = append(p.keys, s)
	}
	return nil
}
