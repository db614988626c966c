package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"kumi/bench/bare"
)

const listeningOn = "listening on "

// echo runs the bare server until ctx ends, or until end of input if asked to.
func echo(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("bench echo", flag.ContinueOnError)
	fs.SetOutput(stderr)
	address := fs.String("address", "127.0.0.1:0", "host:port to listen on; port 0 picks a free one")
	child := fs.Bool("until-eof", false, "end with standard input")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *child {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	}
	l, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s%s, pid %d\n", listeningOn, l.Addr(), os.Getpid())
	return bare.Serve(ctx, l)
}

// echoChild is a bare server in its own process, so that its CPU time and
// memory can be told apart from the generator's.
type echoChild struct {
	address string
	cmd     *exec.Cmd
	stdin   io.Closer
}

func startEcho(ctx context.Context, stderr io.Writer) (*echoChild, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "echo", "--until-eof")
	cmd.Stderr = stderr
	// Its standard input is closed when this process ends, however that happens.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &echoChild{cmd: cmd, stdin: stdin}
	giveUp := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer giveUp.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("no address printed: %w", err)
	}
	c.address, _, _ = strings.Cut(strings.TrimPrefix(line, listeningOn), ",")
	return c, nil
}

func (c *echoChild) pid() int { return c.cmd.Process.Pid }

func (c *echoChild) stop() {
	_ = c.stdin.Close()
	done := time.AfterFunc(5*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer done.Stop()
	_ = c.cmd.Wait()
}
