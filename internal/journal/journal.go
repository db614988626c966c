// Package journal records what the code of one match reads from outside (results of
// functions, the time, random numbers), and plays it back, so that the match can be run
// again with the same values.
//
// A Journal belongs to the match's goroutine. While it is off it passes everything through.
package journal

import (
	"context"
	cryptorand "crypto/rand"
	"math/rand/v2"
	"time"

	"kumi/internal/random"
)

// Kind is what an Entry is about.
type Kind byte

const (
	// Time is a time that was read: Number is in Unix nanoseconds.
	Time Kind = 1 + iota
	// Bytes are random bytes.
	Bytes
	// Call is the result of the function Name. Args is a hash of its arguments, and Data the
	// result as the language writes it down. A function that works in the background has
	// Number > 0: its result follows in an Arrived entry.
	Call
	// Arrived is the result of background call Number.
	Arrived
	// Fired means that timer Number fired.
	Fired
	// Callback is the beginning of a call of a function that was passed to a recorded
	// function, as argument Number; Data has its arguments. Returned is its end.
	Callback
	Returned
)

// Entry is one value read from outside.
type Entry struct {
	Kind   Kind
	Number int64
	Args   uint64
	Name   string
	Data   []byte
}

// Journal passes values through, and records or plays them.
type Journal struct {
	// Epoch is when the match began, for clocks that count from there.
	Epoch  time.Time
	record func(Entry) // nil: they are not recorded
	play   []Entry     // of the running call
	plays  bool
	last   time.Time // the time played last
	pcg    *rand.PCG // nil: random numbers are those of the process
	inside int       // nesting of recorded functions
	works  int64     // background calls of the running call
}

type key struct{}

// With returns a context that carries a journal, for the code that runs under it.
func With(ctx context.Context, j *Journal) context.Context { return context.WithValue(ctx, key{}, j) }

// Of returns the journal that ctx carries, or nil.
func Of(ctx context.Context) *Journal {
	j, _ := ctx.Value(key{}).(*Journal)
	return j
}

// Record makes the journal pass every entry to f; nil ends that. From the first time on
// random numbers come from the journal's own generator.
func (j *Journal) Record(f func(Entry)) {
	j.record = f
	if f != nil && j.pcg == nil {
		j.pcg = rand.NewPCG(random.Uint64(), random.Uint64())
	}
}

// Play makes the journal answer from entries, those of one call of the match's code.
func (j *Journal) Play(entries []Entry) { j.play, j.plays = entries, true }

// Begin prepares for a call of the match's code. It must also be called after one that
// failed.
func (j *Journal) Begin() { j.inside, j.works = 0, 0 }

// Left returns the entries that were not read yet.
func (j *Journal) Left() []Entry { return j.play }

// On tells whether entries are recorded or played. It may be called on nil.
func (j *Journal) On() bool { return j != nil && (j.record != nil || j.plays) }

// Playing tells whether entries are played.
func (j *Journal) Playing() bool { return j != nil && j.plays }

// Add records an entry. It may be called on nil.
func (j *Journal) Add(e Entry) {
	if j != nil && j.record != nil {
		j.record(e)
	}
}

// Peek returns the next entry to play; ok is false if there is none.
func (j *Journal) Peek() (e Entry, ok bool) {
	if len(j.play) == 0 {
		return Entry{}, false
	}
	return j.play[0], true
}

// Take returns the next entry for which is is true, and drops those before it. ok is false,
// and nothing is dropped, if there is none.
func (j *Journal) Take(is func(*Entry) bool) (e Entry, skipped int, ok bool) {
	for i := range j.play {
		if is(&j.play[i]) {
			e = j.play[i]
			j.play = j.play[i+1:]
			return e, i, true
		}
	}
	return Entry{}, 0, false
}

// Enter and Leave surround a recorded function of the server. What happens within it is part of
// its result.
func (j *Journal) Enter() { j.inside++ }

// Leave ends Enter.
func (j *Journal) Leave() { j.inside-- }

// Inside tells whether a recorded function runs.
func (j *Journal) Inside() bool { return j.inside > 0 }

// Outside runs f, a callback of a recorded function into the match's code, as if it were not
// inside that function.
func (j *Journal) Outside(f func()) {
	was := j.inside
	j.inside = 0
	defer func() { j.inside = was }()
	f()
}

// Work returns the number of a new background call.
func (j *Journal) Work() int64 {
	j.works++
	return j.works
}

// Now returns the time.
func (j *Journal) Now() time.Time {
	if j.plays {
		if len(j.play) > 0 && j.play[0].Kind == Time {
			j.last = time.Unix(0, j.play[0].Number)
			j.play = j.play[1:]
		}
		j.Add(Entry{Kind: Time, Number: j.last.UnixNano()})
		return j.last
	}
	now := time.Now()
	if j.record != nil && j.inside == 0 {
		now = time.Unix(0, now.UnixNano()) // without the monotonic clock, as when it is played
		j.record(Entry{Kind: Time, Number: now.UnixNano()})
	}
	return now
}

// SetTime sets the time that Now returns while a journal plays and has no more times.
func (j *Journal) SetTime(t time.Time) { j.last = t }

// Fill fills b with random bytes that may be secret.
func (j *Journal) Fill(b []byte) {
	if j.plays {
		e, _, ok := j.Take(func(e *Entry) bool { return e.Kind == Bytes && len(e.Data) == len(b) })
		if !ok {
			clear(b)
		}
		copy(b, e.Data)
	} else {
		_, _ = cryptorand.Read(b) // it never fails
	}
	if j.inside == 0 {
		j.Add(Entry{Kind: Bytes, Data: append([]byte(nil), b...)})
	}
}

// Uint64 implements rand.Source: it returns any number.
func (j *Journal) Uint64() uint64 {
	if j.pcg == nil {
		return random.Uint64()
	}
	return j.pcg.Uint64()
}

// Float64 returns a number from 0 up to 1.
func (j *Journal) Float64() float64 { return float64(j.Uint64()<<11>>11) / (1 << 53) }

// Seed makes random numbers follow from a seed that the match's code chose.
func (j *Journal) Seed(seed uint64) { j.pcg = rand.NewPCG(seed, 0) }

// Generator returns the state of the generator of random numbers, and SetGenerator sets it.
func (j *Journal) Generator() []byte {
	if j.pcg == nil {
		return nil
	}
	b, _ := j.pcg.MarshalBinary() // never fails
	return b
}

// SetGenerator sets the state of the generator of random numbers.
func (j *Journal) SetGenerator(state []byte) error {
	j.pcg = &rand.PCG{}
	return j.pcg.UnmarshalBinary(state)
}
