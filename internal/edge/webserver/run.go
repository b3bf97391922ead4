package webserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"hirune/internal/core/remedy"
)

const (
	testFor   = 60 * time.Second // Apache may look names up
	outBytes  = 64 << 10
	wordLines = 3
)

// errBroken says that the configuration does not pass its own test.
var errBroken = errors.New("the web server's configuration does not pass its test")

// run starts a command of a step with the environment of the server's parent,
// and returns the first telling lines of what it said.
func run(ctx context.Context, argv, env []string) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("no command")
	}
	ctx, cancel := context.WithTimeout(ctx, testFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = env, "/", time.Second
	out := &capped{}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return telling(out.String()), err
}

// test has the server test its configuration.
func test(ctx context.Context, s remedy.WriteInclude, p process) error {
	said, err := run(ctx, s.Test, p.env)
	var code *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &code):
		return fmt.Errorf("%w: %s", errBroken, said)
	}
	return fmt.Errorf("test the web server's configuration: %w", err)
}

// reload has the server take its configuration anew, gracefully.
func reload(ctx context.Context, s remedy.WriteInclude, p process) error {
	if len(s.Reload) > 0 {
		if said, err := run(ctx, s.Reload, p.env); err != nil {
			return fmt.Errorf("reload the web server: %w: %s", err, said)
		}
		return nil
	}
	sig, ok := map[string]syscall.Signal{"USR1": syscall.SIGUSR1, "HUP": syscall.SIGHUP}[s.Signal]
	if !ok {
		return fmt.Errorf("reload the web server: unknown signal %q", s.Signal)
	}
	if err := syscall.Kill(p.pid, sig); err != nil {
		return fmt.Errorf("reload the web server (pid %d): %w", p.pid, err)
	}
	return nil
}

// telling are the lines of a configuration test that say what is wrong; its
// usual warnings are not among them.
func telling(out string) string {
	var lines []string
	for line := range strings.Lines(out) {
		line = shown(strings.TrimSpace(line))
		if line == "" || strings.HasPrefix(line, "AH00558") || strings.Contains(line, "[warn]") || strings.HasPrefix(line, "Action '") || strings.HasPrefix(line, "The Apache error log may") {
			continue
		}
		if lines = append(lines, line); len(lines) == wordLines {
			break
		}
	}
	return strings.Join(lines, "; ")
}

// capped keeps the beginning of what is written to it.
type capped struct{ bytes.Buffer }

// Write implements io.Writer.
func (c *capped) Write(b []byte) (int, error) {
	if room := outBytes - c.Len(); room > 0 {
		c.Buffer.Write(b[:min(len(b), room)])
	}
	return len(b), nil
}
