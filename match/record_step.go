package match

import (
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/internal/journal"
	"kumi/presence"
)

// Recording is what a file has: the calls of a match's handler.
type Recording struct {
	Header
	// Birth is the call of Init, or of Restore, with what was read from outside while the handler was made.
	// It is nil if the recording began later.
	Birth    *Step
	Segments []*Segment
	// Incomplete tells that the file ends early, such as after a crash.
	Incomplete bool
}

// Segment is a part of a recording.
type Segment struct {
	Tick      int64
	Time      time.Time
	Label     string
	TickRate  int
	Generator []byte
	// State is the state at its beginning; nil if it is not known as a whole.
	State   []byte
	Members []*presence.Presence
	Steps   []*Step
}

// Step is one call of a handler, or the return of a member of a restored match.
type Step struct {
	Kind byte
	Tick int64

	Params    map[string]any // of Init
	Generator []byte         // of random numbers, before Init or Restore
	Joiner    *Joiner        // of JoinAttempt
	Metadata  map[string]string
	People    []*presence.Presence // of Join and Leave; of a return the old and the new one
	Input     []*Data              // of Loop
	Text      string               // of Signal and PatchState
	Grace     int                  // of Terminate
	Snapshot  *Snapshot            // of Restore: state, tick rate, label and members

	Entries []journal.Entry
	Outputs []Output
	Alive   bool
	Error   string
	// TickRate and Label are results of Init and Restore.
	TickRate int
	Label    string

	// Hash is that of the state afterwards, if Hashed. State is the state, if it was recorded.
	Hashed bool
	Hash   uint64
	State  []byte
	// Moved tells that the match moved to reloaded code afterwards.
	Moved bool
}

// Name is the name of the called function in messages.
func (s *Step) Name() string {
	if int(s.Kind) < len(stepNames) {
		return stepNames[s.Kind]
	}
	return "?"
}

// Init tells that the step is the beginning of the match.
func (s *Step) Init() bool { return s.Kind == recInit || s.Kind == recRestore }

var stepNames = [...]string{"", "match init", "join attempt", "join", "leave", "loop", "terminate", "signal", "change of the state", "match snapshot", "match restore", "return"}

// Output is something that a handler did.
type Output struct {
	Kind     byte
	OpCode   int64 // of a broadcast
	Reliable bool
	Size     int
	Data     []byte // of a large one the beginning
	Hash     uint64 // and this
	All      bool
	To       []uuid.UUID // sessions; of a kick as well
	From     string      // session id of the sender
	Text     string      // label, reason of a verdict, reply
	Accept   bool
}
