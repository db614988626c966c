package testenv

import (
	"flag"
	"runtime"
	"strconv"
	"testing"
)

// testsPerCPU is how many tests of a package run at a time, per processor. The tests
// that start servers wait for sockets, disks and timers more than they compute: three
// per processor take `test`, `server` and `examples/lobby` from 65 to 42 seconds.
const testsPerCPU = 3

// Run runs the tests of a package whose tests mostly wait, several at a time per
// processor, and returns the code to exit with. -parallel on the command line wins.
// Where everything has to run, the race detector keeps the processors busy and the
// default stays.
func Run(m *testing.M) int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given && !Strict() {
		_ = flag.Set("test.parallel", strconv.Itoa(testsPerCPU*runtime.GOMAXPROCS(0)))
	}
	return m.Run()
}
