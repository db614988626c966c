package core

import (
	"github.com/heroiclabs/nakama-common/runtime"
)

// GetSatori implements runtime.NakamaModule. There is no Satori client yet:
// every function returns an error.
func (m *Module) GetSatori() runtime.Satori { return noSatori{} }

type noSatori struct{}
