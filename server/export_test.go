package server

// APIRows names the methods of the API that have an operation and hooks.
func APIRows() (names []string) {
	for _, r := range table() {
		if r.hook != nil {
			names = append(names, r.name)
		}
	}
	return names
}

// Messages names the realtime messages that have hooks.
func Messages() (names []string) {
	for _, k := range pipeline {
		if k.name != "" {
			names = append(names, k.name)
		}
	}
	return names
}
