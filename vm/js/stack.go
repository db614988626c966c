package js

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// Of a deep stack only both ends are shown.
const (
	maxFrames   = 60
	outerFrames = 10
)

// stackText formats frames, with positions in the user's sources.
func stackText(frames []goja.StackFrame) string {
	for n := len(frames); n > 0 && frames[n-1].FuncName() == entryName || n > 0 && frames[n-1].SrcName() == entryName; n-- {
		frames = frames[:n-1]
	}
	var b strings.Builder
	list := func(frames []goja.StackFrame) {
		for i := range frames {
			f := &frames[i]
			b.WriteString("\tat ")
			b.WriteString(f.FuncName())
			if at := position(f); at != "" {
				b.WriteString(" (" + at + ")")
			}
			b.WriteByte('\n')
		}
	}
	if more := len(frames) - maxFrames; more > 0 {
		list(frames[:maxFrames-outerFrames])
		fmt.Fprintf(&b, "\t… %d more\n", more)
		frames = frames[len(frames)-outerFrames:]
	}
	list(frames)
	return strings.TrimSuffix(b.String(), "\n")
}

// topPosition returns the position of the topmost frame, to be appended to a message.
func topPosition(frames []goja.StackFrame) string {
	for i := range frames {
		if at := position(&frames[i]); at != "" && frames[i].SrcName() != entryName {
			return " in " + frames[i].FuncName() + " at " + at
		}
	}
	return ""
}

func position(f *goja.StackFrame) string {
	p := f.Position()
	if p.Line == 0 {
		return ""
	}
	return p.Filename + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
}
