package fleet

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// self returns the id of this process and when it started.
func self() (pid int, started string) {
	pid = os.Getpid()
	return pid, startTime(pid)
}

// startTime returns when a process started, in ticks since the machine did; empty if it
// does not run. With the id it identifies a process for good.
func startTime(pid int) string {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return ""
	}
	// The second field, in parentheses, is a name that may contain anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" { // a zombie has ended
		return ""
	}
	return fields[19] // the 22nd of all
}

// killOrphans kills the processes that a server of the same name started and that
// has died since. It returns their ids.
func killOrphans(name string) (killed []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if orphan(pid, name) && syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed = append(killed, pid)
		}
	}
	return killed
}

// orphan reports whether the server that started a process has died, and was one of
// that name.
func orphan(pid int, name string) bool {
	env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false // of another user
	}
	for v := range bytes.SplitSeq(env, []byte{0}) {
		mark, ok := strings.CutPrefix(string(v), markVariable)
		if !ok {
			continue
		}
		parts := strings.Split(mark, ".")
		if len(parts) != 3 || parts[0] != nameHash(name) {
			return false
		}
		server, err := strconv.Atoi(parts[1])
		return err == nil && startTime(server) != parts[2]
	}
	return false
}

// residentMemory returns the memory of a process, in bytes; 0 if it is not known.
func residentMemory(pid int) int64 {
	statm, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
