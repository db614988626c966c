//go:build !linux

package fleet

import "os"

func self() (pid int, started string) { return os.Getpid(), "" }

// killOrphans does nothing: only Linux tells the environment of a process.
func killOrphans(string) []int { return nil }

// residentMemory is not known.
func residentMemory(int) int64 { return 0 }
