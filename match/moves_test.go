package match

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
)

// others are nodes of which some are known.
type others struct {
	faraway
	known map[string]bool
}

func (o others) Known(node string) bool { return o.known[node] }

// Whatever is heard of a match that has moved, and in which order: once it has ended, or its
// node is lost, and no older news can come any more, nothing is left of it. Who waits for it
// goes on.
func TestMovesAreForgotten(t *testing.T) {
	t.Parallel()
	id := uuid.Must(uuid.NewV4())
	at := func(node string, epoch uint64) Move { return Move{Match: id, Home: "a", Node: node, Epoch: epoch} }
	ended := func(epoch uint64) Move { return Move{Match: id, Home: "a", Epoch: epoch, Ended: true} }
	for what, hear := range map[string]func(r *Registry, known map[string]bool){
		"the end":       func(r *Registry, _ map[string]bool) { r.Moved(true, at("b", 1)); r.Moved(false, ended(1)) },
		"the end first": func(r *Registry, _ map[string]bool) { r.Moved(false, ended(1)); r.Moved(true, at("b", 1)) },
		"the end and older moves": func(r *Registry, _ map[string]bool) {
			r.Moved(false, ended(2))
			r.Moved(false, at("b", 1))
			r.Held(at("b", 1))
		},
		"the end of an earlier one": func(r *Registry, _ map[string]bool) { r.Moved(true, at("b", 2)); r.Moved(false, ended(1), ended(2)) },
		"the end twice":             func(r *Registry, _ map[string]bool) { r.Moved(false, ended(1)); r.Moved(false, ended(2)) },
		"a hold and the end":        func(r *Registry, _ map[string]bool) { r.Held(at("a", 0)); r.Moved(false, ended(0)) },
		"a hold, a move and the end": func(r *Registry, _ map[string]bool) {
			r.Held(at("a", 0))
			r.Moved(true, at("b", 1))
			r.Held(at("b", 1))
			r.Moved(false, ended(1))
		},
		"a hold, and its node is lost": func(r *Registry, _ map[string]bool) { r.Held(at("a", 0)); r.NodeLost("a") },
		"a move, and the node is lost": func(r *Registry, _ map[string]bool) { r.Moved(true, at("b", 1)); r.NodeLost("b") },
		"a move to a node that is lost": func(r *Registry, known map[string]bool) {
			known["b"] = false
			r.NodeLost("b")
			r.Moved(false, at("b", 1))
		},
		"a hold and a move to a node that is lost": func(r *Registry, known map[string]bool) {
			r.Held(at("a", 0))
			known["b"] = false
			r.NodeLost("b")
			r.Moved(false, at("b", 1))
		},
		"a move, and that the node does not run it": func(r *Registry, _ map[string]bool) {
			r.Moved(true, at("b", 1))
			r.Doubt("b")
			r.Doubted("b")
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				known := map[string]bool{"a": true, "b": true}
				w := newTestRegistry(t, Options{Elsewhere: others{known: known}})
				hear(w.Registry, known)
				if _, err := w.moves.settled(t.Context(), id, "a"); err != nil {
					t.Error(err)
				}
				time.Sleep(keepEnded + time.Second)
				if n := w.KnownMoves(); n != 0 || w.moves.some.Load() {
					t.Errorf("%d moves are known: %+v", n, w.moves.of[id])
				}
			})
		})
	}
}

// What a node names of its own, or is heard of while it names them, stays.
func TestMovesThatAreNotDoubted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{Elsewhere: others{known: map[string]bool{"b": true, "c": true}}})
		ids := map[string]uuid.UUID{}
		at := func(what, home, node string) Move {
			if ids[what].IsNil() {
				ids[what] = uuid.Must(uuid.NewV4())
			}
			return Move{Match: ids[what], Home: home, Node: node, Epoch: 1}
		}
		w.Moved(true, at("named", "a", "b"), at("held", "a", "b"), at("gone", "a", "b"), at("of another node", "a", "c"), at("at home", "b", "b"))
		w.Doubt("b")
		w.Moved(true, at("named", "a", "b"))
		w.Held(at("held", "a", "b"))
		w.Doubted("b")
		for what, id := range ids {
			if _, ok := w.moves.get(id); ok != (what != "gone") {
				t.Errorf("the match that is %s is known: %t", what, ok)
			}
		}
	})
}
