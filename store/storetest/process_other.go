//go:build !linux

package storetest

import "syscall"

// unprivileged has nothing to add where there is no death signal; as root the
// tests need KUMI_TEST_POSTGRES there.
func unprivileged(string) (*syscall.SysProcAttr, error) { return nil, nil }
