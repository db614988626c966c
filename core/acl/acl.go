// Package acl has the rights of operators, the users of the console: for each
// resource, to read, to write and to delete. Names, numbers and the forms in tokens and
// in the database are Nakama's.
//
// A Set is a value; it may be copied and used from any goroutine.
package acl

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Resource is what a right is for. The numbers are part of tokens.
type Resource uint8

// The resources.
const (
	Account Resource = iota
	AccountWallet
	AccountExport
	AccountFriends
	AccountGroups
	AccountNotes
	Template
	AllAccounts
	AllData
	AllStorage
	APIExplorer
	AuditLog
	Configuration
	ChannelMessage
	User
	Group
	InAppPurchase
	Leaderboard
	LeaderboardRecord
	Match
	Notification
	SatoriMessage
	Settings
	StorageData
	StorageDataImport
	HiroInventory
	HiroProgression
	HiroEconomy
	HiroStats
	HiroEnergy

	resources = iota
)

var names = [resources]string{
	"ACCOUNT", "ACCOUNT_WALLET", "ACCOUNT_EXPORT", "ACCOUNT_FRIENDS", "ACCOUNT_GROUPS", "ACCOUNT_NOTES",
	"ACL_TEMPLATE", "ALL_ACCOUNTS", "ALL_DATA", "ALL_STORAGE", "API_EXPLORER", "AUDIT_LOG", "CONFIGURATION",
	"CHANNEL_MESSAGE", "USER", "GROUP", "IN_APP_PURCHASE", "LEADERBOARD", "LEADERBOARD_RECORD", "MATCH",
	"NOTIFICATION", "SATORI_MESSAGE", "SETTINGS", "STORAGE_DATA", "STORAGE_DATA_IMPORT", "HIRO_INVENTORY",
	"HIRO_PROGRESSION", "HIRO_ECONOMY", "HIRO_STATS", "HIRO_ENERGY",
}

// String returns the name of the resource.
func (r Resource) String() string { return names[r] }

// Resources returns all resources in the order of their numbers.
func Resources() []Resource {
	all := make([]Resource, resources)
	for i := range all {
		all[i] = Resource(i)
	}
	return all
}

// Named returns the resource with a name.
func Named(name string) (Resource, bool) {
	i := slices.Index(names[:], name)
	return Resource(max(i, 0)), i >= 0
}

// Parse reads a right as String writes it.
func Parse(text string) (*Right, error) {
	resource, level, _ := strings.Cut(text, ":")
	r, ok := Named(resource)
	i := slices.Index([]string{"read", "write", "delete"}, level)
	if !ok || i < 0 {
		return nil, fmt.Errorf("%q is not a resource and a level, as in ACCOUNT:write", text)
	}
	return &Right{r, Level(i)}, nil
}

// Level is what a right allows to do with a resource.
type Level uint8

// The levels.
const (
	Read Level = iota
	Write
	Delete

	levels = iota
)

// String returns the name of the level.
func (l Level) String() string { return [levels]string{"read", "write", "delete"}[l] }

// Right is a resource and a level. The zero value is the right to read accounts; a
// *Right that is nil stands for no right at all.
type Right struct {
	Resource Resource
	Level    Level
}

// Rights to a resource.
func (r Resource) Read() *Right   { return &Right{r, Read} }
func (r Resource) Write() *Right  { return &Right{r, Write} }
func (r Resource) Delete() *Right { return &Right{r, Delete} }

// String returns the right as it is written in messages: "USER:write".
func (r Right) String() string { return r.Resource.String() + ":" + r.Level.String() }

// size is the number of bytes that hold a bit for each right.
const size = (resources*levels + 7) / 8

// Set are the rights of one operator: a bit for each, of which the first is the most
// significant one of the first byte. All bits, those without a right included, are an
// administrator's.
type Set [size]byte

// Admin has all rights, and those of later versions.
var Admin = func() (s Set) {
	for i := range s {
		s[i] = 0xff
	}
	return s
}()

// Of returns a set of rights.
func Of(rights ...*Right) (s Set) {
	for _, r := range rights {
		s.Add(*r)
	}
	return s
}

func place(r Right) (index int, mask byte) {
	bit := int(r.Resource)*levels + int(r.Level)
	return bit / 8, 0x80 >> (bit % 8)
}

// Add adds a right.
func (s *Set) Add(r Right) {
	i, mask := place(r)
	s[i] |= mask
}

// Has reports whether the set has a right.
func (s Set) Has(r Right) bool {
	i, mask := place(r)
	return s == Admin || s[i]&mask != 0
}

// IsAdmin reports whether the set is an administrator's.
func (s Set) IsAdmin() bool { return s == Admin }

// IsEmpty reports whether the set has no right.
func (s Set) IsEmpty() bool { return s == Set{} }

// Covers reports whether the set has every right of another one.
func (s Set) Covers(other Set) bool {
	for i := range s {
		if other[i]&^s[i] != 0 {
			return s == Admin
		}
	}
	return true
}

// complete returns Admin for a set that has each right, otherwise the set itself.
func (s Set) complete() Set {
	for _, r := range Resources() {
		for l := Read; l < levels; l++ {
			if !s.Has(Right{r, l}) {
				return s
			}
		}
	}
	return Admin
}

// Token returns the form in tokens.
func (s Set) Token() string { return base64.RawURLEncoding.EncodeToString(s[:]) }

// FromToken reads the form in tokens.
func FromToken(text string) (s Set, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil && len(b) != size {
		err = fmt.Errorf("%d bytes of rights instead of %d", len(b), size)
	}
	copy(s[:], b)
	return s, err
}

// Levels are the rights to one resource, as they are written in JSON.
type Levels struct {
	Read   bool `json:"read,omitempty"`
	Write  bool `json:"write,omitempty"`
	Delete bool `json:"delete,omitempty"`
}

// ByResource returns the rights to each resource by its name.
func (s Set) ByResource() map[string]Levels {
	all := make(map[string]Levels, resources)
	for _, r := range Resources() {
		all[r.String()] = Levels{s.Has(Right{r, Read}), s.Has(Right{r, Write}), s.Has(Right{r, Delete})}
	}
	return all
}

// FromResources is the inverse of ByResource. Unknown names are skipped, because the
// rights may be those of another version.
func FromResources(all map[string]Levels) (s Set) {
	for name, l := range all {
		r, ok := Named(name)
		if !ok {
			continue
		}
		for level, has := range []bool{l.Read, l.Write, l.Delete} {
			if has {
				s.Add(Right{r, Level(level)})
			}
		}
	}
	return s.complete()
}

// stored is the form in the database.
type stored struct {
	Admin bool              `json:"admin"`
	ACL   map[string]Levels `json:"acl,omitempty"`
}

// MarshalJSON writes the form in the database, which has only what is allowed.
func (s Set) MarshalJSON() ([]byte, error) {
	if s == Admin {
		return json.Marshal(stored{Admin: true})
	}
	all := s.ByResource()
	maps.DeleteFunc(all, func(_ string, l Levels) bool { return l == Levels{} })
	return json.Marshal(stored{ACL: all})
}

// UnmarshalJSON reads the form in the database.
func (s *Set) UnmarshalJSON(text []byte) error {
	var in stored
	if err := json.Unmarshal(text, &in); err != nil {
		return errors.New("not the rights of an operator: " + err.Error())
	}
	if *s = FromResources(in.ACL); in.Admin {
		*s = Admin
	}
	return nil
}
