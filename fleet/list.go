package fleet

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/query"
)

// Get implements runtime.FleetManager. Error NotFound.
func (m *Manager) Get(_ context.Context, id string) (*runtime.InstanceInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	in, err := m.find(id)
	if err != nil {
		return nil, err
	}
	return in.info(m.o.Address), nil
}

// maxList is the maximum length of a page.
const maxList = 1000

// List implements runtime.FleetManager: it lists game servers from old to new, in pages
// of at most limit (up to 1000; 0 means 100). The query is of the language for listing
// matches, over the fields id, status, player_count, max_players, free and metadata.…;
// an empty one lists all.
//
// Errors: InvalidArgument for a bad query, limit or cursor.
func (m *Manager) List(_ context.Context, text string, limit int, previousCursor string) ([]*runtime.InstanceInfo, string, error) {
	q, err := query.Parse(text)
	if err != nil {
		return nil, "", err
	}
	if limit < 0 || limit > maxList {
		return nil, "", invalid("the limit must be from 1 to %d", maxList)
	}
	limit = cmp.Or(limit, 100)
	after, err := parseCursor(previousCursor)
	if err != nil {
		return nil, "", err
	}
	page := []*runtime.InstanceInfo{}
	steps := query.ListSteps
	for _, r := range m.rows() {
		if r.at.compare(after) <= 0 {
			continue
		}
		if _, ok := q.MatchWithin(r.doc, &steps); !ok {
			if steps < 0 {
				return nil, "", query.ErrCost
			}
			continue
		}
		if len(page) == limit {
			return page, after.cursor(), nil
		}
		page, after = append(page, r.info), r.at
	}
	return page, "", nil
}

// row is an instance in a list.
type row struct {
	at   position
	info *runtime.InstanceInfo
	doc  *query.Doc
}

// rows returns all instances from old to new.
func (m *Manager) rows() []row {
	m.mu.Lock()
	all := make([]row, 0, len(m.instances))
	for _, in := range m.instances {
		all = append(all, row{position{in.created.UnixNano(), in.id}, in.info(m.o.Address), in.document()})
	}
	m.mu.Unlock()
	slices.SortFunc(all, func(a, b row) int { return a.at.compare(b.at) })
	return all
}

// document is what queries are matched against.
func (in *instance) document() *query.Doc {
	doc := query.NewDoc()
	doc.AddString("id", in.id)
	doc.AddString("status", in.status)
	doc.AddNumber("player_count", float64(in.players))
	doc.AddNumber("max_players", float64(in.maxPlayers))
	doc.AddNumber("free", float64(in.free()))
	_ = doc.AddJSON("metadata", in.metadata) // was encoded here
	return doc
}

// position is the place of an instance in lists.
type position struct {
	created int64 // Unix nanoseconds
	id      string
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.created, q.created), cmp.Compare(p.id, q.id))
}

func (p position) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.created, 10) + "." + p.id))
}

func parseCursor(text string) (p position, err error) {
	if text == "" {
		return p, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	created, id, ok := strings.Cut(string(plain), ".")
	if err == nil && ok {
		p.id = id
		p.created, err = strconv.ParseInt(created, 10, 64)
	}
	if err != nil || !ok {
		return p, invalid("the cursor is not one of a list of game servers")
	}
	return p, nil
}
