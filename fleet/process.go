package fleet

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// outputDelay is how long the output of a process that has ended is read, while
// processes that it started keep it open.
const outputDelay = 2 * time.Second

// maxUnread is the maximum number of lines that wait until an instance reads them.
const maxUnread = 256

// process is a running instance's process.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  chan []byte // to be written to stdin
	stdout *output
	stderr *output
}

// startOnOneThread runs the functions that start processes. It stays on one thread, since
// Linux kills the children of a thread that ends when they ask for that (Pdeathsig).
func startOnOneThread(starts <-chan func()) {
	runtime.LockOSThread() // until the goroutine ends
	for start := range starts {
		start()
	}
}

// run starts the process of an instance.
func (m *Manager) run(in *instance) (p *process, err error) {
	done := make(chan struct{})
	select {
	case m.starts <- func() { defer close(done); p, err = m.spawn(in) }:
		<-done
	case <-m.end:
		return nil, errClosed
	}
	return p, err
}

func (m *Manager) spawn(in *instance) (*process, error) {
	p := &process{lines: make(chan []byte, maxUnread), stdout: &output{m: m, in: in, stream: "stdout"}, stderr: &output{m: m, in: in, stream: "stderr"}}
	p.cmd = exec.Command(m.o.Command, m.arguments(in)...)
	p.cmd.Dir, p.cmd.Env = m.o.Dir, m.environment(in, os.Environ())
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.WaitDelay = outputDelay
	p.cmd.SysProcAttr = attributes()
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// errUnread is the error of a line for an instance that does not read.
var errUnread = fmt.Errorf("%d lines have not been read", maxUnread)

// write queues a line for standard input. It never blocks.
func (p *process) write(line []byte) error {
	select {
	case p.lines <- line:
		return nil
	default:
		return errUnread
	}
}

// feed writes the queued lines to the standard input of an instance until it is closed or
// the process has ended.
func (m *Manager) feed(in *instance) {
	for {
		select {
		case line := <-in.process.lines:
			_, err := in.process.stdin.Write(line)
			if errors.Is(err, os.ErrClosed) {
				return
			}
			in.notRead(err)
		case <-in.ended:
			return
		}
	}
}

// stop asks an instance to end. The lock is held.
func (m *Manager) stop(in *instance, why string) {
	if in.status == Stopping {
		return
	}
	in.status = Stopping
	in.log.Info().Msg("stopping the game server: " + why)
	if in.process != nil { // otherwise see start
		go m.endProcess(in)
	}
}

// endProcess closes the standard input of an instance and, where there are signals,
// sends SIGTERM to its process group. It kills it after the grace period.
func (m *Manager) endProcess(in *instance) {
	_ = in.process.stdin.Close()
	in.process.terminate()
	grace := time.NewTimer(m.o.StopGrace)
	defer grace.Stop()
	select {
	case <-in.ended:
	case <-grace.C:
		in.log.Warn().Msgf("the game server did not end within %s (fleet.stop_grace_sec), it is killed", m.o.StopGrace)
		in.process.kill()
	}
}

// kill ends an instance at once, unless it has not started.
func (m *Manager) kill(in *instance) {
	m.mu.Lock()
	p := in.process
	m.mu.Unlock()
	if p != nil {
		p.kill()
	}
}

// wait waits for the end of an instance's process, and forgets the instance.
func (m *Manager) wait(in *instance) {
	if m.o.Ready == ReadyStart {
		m.becomesReady(in)
	}
	in.exit = in.process.cmd.Wait()
	in.process.kill() // what it started
	if errors.Is(in.exit, exec.ErrWaitDelay) {
		in.exit = nil // the process ended well, but what it started had its output
	}
	for _, o := range []*output{in.process.stdout, in.process.stderr} {
		if len(o.line) > 0 {
			o.flush() // a line without an end
		}
	}
	m.mu.Lock()
	asked := in.status == Stopping
	in.status = Stopping
	delete(m.instances, in.id)
	m.mu.Unlock()
	line := in.log.Info()
	if !asked && in.exit != nil {
		line = in.log.Warn()
	}
	line.Msg("game server ended: " + in.ending())
	close(in.ended)
}

// ending says how the process ended.
func (in *instance) ending() string {
	if in.exit == nil {
		return "exit status 0"
	}
	return in.exit.Error()
}
