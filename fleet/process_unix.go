//go:build unix

package fleet

import "syscall"

// terminate asks the process group to end.
func (p *process) terminate() { _ = syscall.Kill(-p.pid(), syscall.SIGTERM) }

// kill ends the process group.
func (p *process) kill() { _ = syscall.Kill(-p.pid(), syscall.SIGKILL) }
