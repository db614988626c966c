package test

import (
	"testing"

	"kumi/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }
