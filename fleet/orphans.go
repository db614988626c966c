package fleet

import (
	"hash/fnv"
	"strconv"
)

// Every instance, and every process that it starts, has a mark in its environment: the
// server that started it, and the process id and start time of that server. So the
// next server of the same name can tell processes that were left.
const markVariable = "FLEET_SERVER="

func newMark(name string) string {
	pid, started := self()
	return nameHash(name) + "." + strconv.Itoa(pid) + "." + started
}

func nameHash(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return strconv.FormatUint(h.Sum64(), 16)
}
