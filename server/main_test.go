package server_test

import (
	"os"
	"testing"

	"kumi/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Run(m)) }
