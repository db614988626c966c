package core

import (
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/satori"
)

// GetSatori implements runtime.NakamaModule. If Satori is not configured, every
// function of the client returns runtime.ErrSatoriConfigurationInvalid.
func (m *Module) GetSatori() runtime.Satori { return m.core.satori }

// Satori is GetSatori with the concrete type, for the functions of scripts.
func (m *Module) Satori() *satori.Client { return m.core.satori }
