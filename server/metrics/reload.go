package metrics

// watchModules shows which load of the modules is in use, and how reloads went.
func (m *Metrics) watchModules() {
	m.show(value{name: "module_version", help: "1 for the load of the modules that is in use.", read: func(e *emitter, v *value) {
		if set := m.set.Load(); set != nil {
			e.gauge(&value{name: v.name, help: v.help, labels: []string{"version", set.Version}}, 1)
		}
	}})
	for i, result := range []string{"failed", "done"} {
		m.reloads[i] = m.counter("module_reloads", "Loads of the modules after the first one.", "result", result)
	}
}

// Reloaded counts a reload.
func (m *Metrics) Reloaded(done bool) {
	if done {
		m.reloads[1].add(1)
		return
	}
	m.reloads[0].add(1)
}
