package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times in /proc/<pid>/stat: 1/100 s on every Linux
// that Go supports.
const clockTick = 10 * time.Millisecond

// process reads the resource usage of another process from /proc. A nil
// process reads zeros, and its figures are left out of the report.
type process struct {
	pid int
	// tree includes descendants, for PostgreSQL, which has a process per connection.
	tree bool
	// others are further processes of the same target, as the nodes of a cluster.
	others []*process
}

// openProcess checks that the process can be read. It returns nil for pid 0.
func openProcess(pid int, tree bool) (*process, error) {
	if pid == 0 {
		return nil, nil
	}
	p := &process{pid: pid, tree: tree}
	if _, err := readStat(pid); err != nil {
		return nil, fmt.Errorf("cannot read process %d: %w", pid, err)
	}
	return p, nil
}

// openProcesses is openProcess for several, separated by commas. It returns nil for none.
func openProcesses(pids string) (*process, error) {
	var first *process
	for text := range strings.SplitSeq(pids, ",") {
		pid, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a process id", text)
		}
		p, err := openProcess(pid, false)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = p
		} else {
			first.others = append(first.others, p)
		}
	}
	return first, nil
}

type stat struct {
	parent   int
	own      time.Duration
	children time.Duration // of children that were waited for
}

func readStat(pid int) (stat, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(data)
}

// parseStat parses /proc/<pid>/stat. The name in parentheses may itself
// contain spaces and parentheses.
func parseStat(data []byte) (stat, error) {
	i := bytes.LastIndexByte(data, ')')
	fields := strings.Fields(string(data[i+1:]))
	const parent, utime, stime, cutime, cstime = 1, 11, 12, 13, 14
	if i < 0 || len(fields) <= cstime {
		return stat{}, fmt.Errorf("unexpected process state %q", data)
	}
	var n [cstime + 1]int64
	for _, f := range []int{parent, utime, stime, cutime, cstime} {
		v, err := strconv.ParseInt(fields[f], 10, 64)
		if err != nil {
			return stat{}, fmt.Errorf("unexpected process state: %w", err)
		}
		n[f] = v
	}
	return stat{
		parent:   int(n[parent]),
		own:      time.Duration(n[utime]+n[stime]) * clockTick,
		children: time.Duration(n[cutime]+n[cstime]) * clockTick,
	}, nil
}

// cpu returns the CPU time used since the process began.
func (p *process) cpu() (time.Duration, error) {
	if p == nil {
		return 0, nil
	}
	root, err := readStat(p.pid)
	if err != nil {
		return 0, fmt.Errorf("the measured process has ended: %w", err)
	}
	if !p.tree {
		for _, other := range p.others {
			more, err := other.cpu()
			if err != nil {
				return 0, err
			}
			root.own += more
		}
		return root.own, nil
	}
	sum := root.own + root.children
	for _, s := range p.descendants() {
		sum += s.own + s.children
	}
	return sum, nil
}

// descendants returns the state of all processes below this one.
func (p *process) descendants() map[int]stat {
	all := map[int]stat{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil {
			all[pid] = s
		}
	}
	below := map[int]stat{}
	for pid, s := range all {
		for up := s.parent; up > 1; up = all[up].parent {
			if up == p.pid {
				below[pid] = s
				break
			}
		}
	}
	return below
}

// rss returns the current resident memory, in bytes.
func (p *process) rss() (sum int64, err error) {
	if p == nil {
		return 0, nil
	}
	for _, other := range p.others {
		n, err := other.rss()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	n, err := p.ownRSS()
	return sum + n, err
}

func (p *process) ownRSS() (int64, error) {
	if data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.pid)); err == nil {
		if n, ok := kilobytes(data, "Rss:"); ok {
			return n << 10, nil
		}
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0, fmt.Errorf("the measured process has ended: %w", err)
	}
	n, ok := kilobytes(data, "VmRSS:")
	if !ok {
		return 0, fmt.Errorf("process %d shows no memory use", p.pid)
	}
	return n << 10, nil
}

func kilobytes(data []byte, label string) (int64, bool) {
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, label); ok {
			fields := strings.Fields(rest)
			if len(fields) == 0 {
				return 0, false
			}
			n, err := strconv.ParseInt(fields[0], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
