//go:build !linux

package storetest

import "syscall"

// unprivileged returns nothing: other systems have no death signal. As root the tests
// need KUMI_TEST_POSTGRES there.
func unprivileged(string) (*syscall.SysProcAttr, error) { return nil, nil }
