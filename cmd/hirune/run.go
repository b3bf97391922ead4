// Command hirune finds out why a site naps every afternoon.
//
// One file holds one verb. A verb parses what the user typed, has wire.go put
// the edges together, and hands what core says to the writer: data to stdout,
// words and progress to stderr. Nobody else knows the whole way from the server
// to the verdict.
//
// Exit codes: 0 nothing found, 1 something was found, 2 could not tell or wrong
// usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"hirune/internal/core/hint"
)

// Exit codes of the program.
const (
	exitHealthy = 0 // nothing was found
	exitFound   = 1 // something was found
	exitUnclear = 2 // could not judge, or wrong usage
)

// app is one run of the program: what it may use of the world, and its answer.
type app struct {
	out, err io.Writer
	env      func(string) string
	now      func() time.Time
	euid     int
	telling  *teller // of the work under way; nil: none
	code     int     // exit code of a verb that ended without an error
}

// run is the program without its process: the exit code for the arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	a := &app{out: stdout, err: stderr, env: os.Getenv, now: time.Now, euid: os.Geteuid()}
	root := a.rootCmd()
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		if errors.Is(err, errDeclined) {
			fmt.Fprintln(stderr, "nothing was changed")
			return exitUnclear
		}
		a.complain(err)
		return exitUnclear
	}
	return a.code
}

// complain prints an error, or several that were joined, and the advice that
// it carries. Neither begins with a capital nor ends with a full stop.
func (a *app) complain(err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(a.err, "hirune: error: %s\n", safe(strings.TrimSuffix(line, "\n")))
	}
	if h := hint.Of(err); h != "" {
		fmt.Fprintf(a.err, "hirune: hint: %s\n", safe(h))
	}
}
