package suggest

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"registerRpc", "registerMatch", "registerRtBefore", "id", "Id"}
	for name, want := range map[string]string{
		"registerRcp": "registerRpc", "registermatch": "registerMatch", "regsterMach": "registerMatch", "register": "", "": "",
		"ix": "id", "ID": "id", "xyz": "",
	} {
		if got := Nearest(name, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}
