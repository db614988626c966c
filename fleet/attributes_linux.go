package fleet

import "syscall"

// attributes give a process a group of its own, and let the kernel kill it if the
// server dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
