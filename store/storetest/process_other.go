//go:build !linux

package storetest

import (
	"os/exec"
	"syscall"
)

func unprivileged(string) (*syscall.SysProcAttr, error) { return nil, nil }

func startLocked(cmd *exec.Cmd) error { return cmd.Start() }
