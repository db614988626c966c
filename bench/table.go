package main

import (
	"context"
	"io"
)

func table(ctx context.Context, args []string, stdout, stderr io.Writer) error { return nil }
