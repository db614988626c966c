// Command server is the game server with the Go benchmark module compiled in,
// for the rows that measure Go.
package main

import (
	"os"

	benchmodule "kumi/bench/modules/go"
	"kumi/modules/golang"
	"kumi/server/command"
)

func main() {
	golang.Register("bench", benchmodule.InitModule)
	os.Exit(command.Main(os.Args[1:]))
}
