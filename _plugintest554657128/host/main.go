package main

import (
	"context"
	"fmt"
	"os"

	"github.com/rs/zerolog"

	"kumi/modules"
)

func main() {
	set, err := modules.Load(context.Background(), modules.Options{Path: os.Args[1], Logger: zerolog.Nop()})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	out, err := set.RPC.Lookup("from_plugin").Call(context.Background(), "works")
	fmt.Println(out, err)
}
