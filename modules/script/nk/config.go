package nk

import (
	"kumi/core"
	"kumi/vm"
)

var satoriClientTable = []vm.Func[*core.Module]{
	{Name: vm.N("get_satori"), Live: true, Body: getSatori},
}
