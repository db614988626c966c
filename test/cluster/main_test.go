package cluster

import (
	"os"
	"testing"

	"kumi/server/command"
	"kumi/store/storetest"
)

// nodeVariable makes this program a server instead of a test.
const nodeVariable = "KUMI_TEST_NODE"

func TestMain(m *testing.M) {
	if os.Getenv(nodeVariable) != "" {
		os.Exit(command.Main(os.Args[1:]))
	}
	storetest.Main(m)
}
