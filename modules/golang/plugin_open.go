//go:build cgo && (linux || darwin || freebsd)

package golang

import (
	"plugin"

	"kumi/store/fault"
)

// openPlugin loads a plugin and finds its InitModule. What does not fit is
// said in an error of code FailedPrecondition that names each difference.
func openPlugin(file string) (Init, error) {
	p, err := plugin.Open(file)
	if err != nil {
		return nil, explainPlugin(file, err)
	}
	symbol, err := p.Lookup("InitModule")
	if err != nil {
		return nil, fault.Wrap(fault.FailedPrecondition, "it does not export a function InitModule", err)
	}
	init, ok := symbol.(Init)
	if !ok {
		return nil, fault.Newf(fault.FailedPrecondition, "its InitModule has the type %T; expected %T", symbol, Init(nil))
	}
	return init, nil
}
