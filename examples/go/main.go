// Command go is a game server with a Go module compiled in: Kumi with
// everything that `go run .` has, plus what module.go registers.
//
//	go run ./examples/go
//
// The same package also builds as a plugin for a server that was built with
// cgo:
//
//	go build -buildmode=plugin -o data/modules/sample.so ./examples/go
package main

import (
	"os"

	"kumi/modules/golang"
	_ "kumi/modules/golang/goplugin"
	"kumi/server/command"
)

func main() {
	golang.Register("sample", InitModule)
	os.Exit(command.Main(os.Args[1:]))
}
