package index

import (
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/gofrs/uuid/v5"
)

// Position is the place of an entry in the order of a list, for the next page. As it
// does not depend on slots, it is valid on every server and after a restart. It may be
// kept as JSON.
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

// scalarJSON is a scalar as JSON: a number by its bits, because JSON has no infinities,
// and a text by its bytes, because it may end within a character and JSON would
// replace that.
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
			return errors.New("a position has no such kind of value")
		}
		p.keys = append(p.keys, s)
	}
	return nil
}
