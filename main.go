// Command kumi is the game server.
package main

import (
	"os"

	_ "kumi/modules/golang/goplugin"
	"kumi/server/command"
)

func main() { os.Exit(command.Main(os.Args[1:])) }
