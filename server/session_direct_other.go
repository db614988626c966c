//go:build !unix

package server

type rawWrite struct{}

// direct says that writing without waiting is not possible here.
func (w *wire) direct() bool { return false }

func (w *wire) tryWrite([]byte) int { return 0 }
