package script

import "kumi/vm"

// NamedShape gives a type in the declarations its shapes. A type with several shapes
// is a union of them.
type NamedShape struct {
	Name    string
	JS, Lua []Described
}

// Described is a shape of any type of value.
type Described interface{ Fields() []vm.Field }

// Named names shapes that are the same in both languages.
func Named(name string, shapes ...Described) NamedShape { return NamedShape{name, shapes, shapes} }

// Named names a shape that differs by language.
func (p PerLang[T]) Named(name string) NamedShape {
	return NamedShape{name, []Described{p.JS}, []Described{p.Lua}}
}

// Shapes names the shapes of what registered functions get.
var Shapes = []NamedShape{
	Named("Presence", PlayerShape, moveShape),
	Named("MatchMessage", messageShape),
	Named("MatchmakerResult", matchmakerEntry),
	Named("RuntimeEvent", eventShape),
	Named("HttpRouteRequest", requestShape),
	Leaderboards.Named("Leaderboard"),
	Tournaments.Named("Tournament"),
	Named("FleetInstance", FleetInstanceShape),
	Named("FleetConnection", fleetConnectionShape),
	Named("FleetSession", FleetSessionShape),
	Named("FleetCreation", fleetCreationShape),
}
