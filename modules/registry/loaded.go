package registry

// Loaded describes one module and what it registered.
type Loaded struct {
	Runtime string // "go", "lua" or "javascript"
	Name    string
	Path    string // empty for compiled-in modules
	RPCs    []string
	Hooks   []string // "before AddFriends", "after MatchJoin", …
	Matches []string
	Routes  []string // patterns of HTTP routes
	Jobs    []string
	Events  int
}
