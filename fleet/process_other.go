//go:build !unix

package fleet

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }

// terminate has nothing to ask with: the process sees that its standard input ends.
func (p *process) terminate() {}

// kill ends the process, but not those that it started.
func (p *process) kill() { _ = p.cmd.Process.Kill() }
