package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"hirune/lab/scenario"
)

// recorder is hirune at work inside the capped group; the zero value is none.
type recorder struct {
	cmd  *exec.Cmd
	done chan error
	log  *os.File
}

func (b *bench) tape() string { return filepath.Join(b.opt.Out, "tape.hirune") }

func (b *bench) record() (*recorder, error) {
	r := &recorder{}
	if b.opt.Hirune == "" {
		return r, nil
	}
	err := errors.Join(os.RemoveAll(b.tape()), os.RemoveAll(b.tape()+".marks"))
	if err != nil {
		return nil, fmt.Errorf("remove an old tape: %w", err)
	}
	if r.log, err = os.Create(filepath.Join(b.opt.Out, "record.out")); err != nil {
		return nil, fmt.Errorf("open the recorder's output: %w", err)
	}
	argv := b.group.Wrap([]string{b.opt.Hirune, "record", "--tape", b.tape()})
	r.cmd = exec.Command(argv[0], argv[1:]...) //nolint:noctx // it ends by SIGINT, as an operator ends it; abandon bounds it
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the recorder: %w", err), r.log.Close())
	}
	r.done = make(chan error, 1)
	go func() { r.done <- r.cmd.Wait() }()
	return r, b.site.Note("hirune", r.cmd.Process.Pid)
}

// stop interrupts the recorder, as an operator does, and waits until it has closed its tape.
func (r *recorder) stop() error {
	if r.cmd == nil {
		return nil
	}
	defer r.abandon()
	select {
	case err := <-r.done:
		r.done = nil
		return errors.Join(errors.New("the recorder ended by itself, see record.out"), err)
	default:
	}
	_ = r.cmd.Process.Signal(os.Interrupt)
	select {
	case err := <-r.done:
		r.done = nil
		if err != nil {
			return fmt.Errorf("the recorder did not end well, see record.out: %w", err)
		}
		return nil
	case <-time.After(20 * time.Second):
		return errors.New("the recorder did not end within 20 s of SIGINT")
	}
}

// abandon makes sure that nothing is left; it may be called at any time and twice.
func (r *recorder) abandon() {
	if r.cmd == nil {
		return
	}
	if r.done != nil {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		<-r.done //nolint:errcheck // killed: that is its error
	}
	_ = r.log.Close()
	r.cmd = nil
}

// diagnose runs hirune diagnose with a bound and returns its output and exit code.
func (b *bench) diagnose(ctx context.Context, inside bool, name string, args ...string) (out []byte, exit int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	argv := append([]string{b.opt.Hirune, "diagnose"}, args...)
	if inside {
		argv = b.group.Wrap(argv)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = 5 * time.Second
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err = cmd.Output()
	if ended := new(exec.ExitError); errors.As(err, &ended) && ended.ExitCode() >= 0 {
		exit, err = ended.ExitCode(), nil
	}
	if err != nil {
		return out, exit, fmt.Errorf("hirune diagnose: %w: %s", err, complaint.Bytes())
	}
	return out, exit, errors.Join(os.WriteFile(filepath.Join(b.opt.Out, name), out, 0o644),
		os.WriteFile(filepath.Join(b.opt.Out, name+".stderr"), complaint.Bytes(), 0o644))
}

// diagnoseLive asks in the middle of the last phase, capped as the site is.
func (b *bench) diagnoseLive(ctx context.Context) error {
	last := b.sc.Phases[len(b.sc.Phases)-1]
	if wait(ctx, b.start.Add(seconds(last.From+(last.Until-last.From)/3))) != nil {
		return nil
	}
	began := time.Now()
	out, exit, err := b.diagnose(context.WithoutCancel(ctx), true, "live.json", "--json")
	live := &Live{Seconds: time.Since(began).Seconds(), Exit: exit}
	if err != nil {
		live.Error = err.Error()
	} else {
		answer, _ := scenario.Verdict{}.Judge(out, exit)
		live.Status, live.Causes = answer.Status, answer.CauseIDs()
	}
	b.out.Live = live
	return nil
}

// diagnoseCold asks after it all what somebody asks who has never recorded: without a tape, in a folder of its own. The verdict
// must be that of the scenario's [cold].
func (b *bench) diagnoseCold(ctx context.Context) {
	if b.sc.Cold == nil || b.opt.Hirune == "" {
		return
	}
	began := time.Now()
	out, exit, err := b.diagnose(ctx, false, "cold.json", "--json")
	cold := &Live{Seconds: time.Since(began).Seconds(), Exit: exit}
	b.out.Cold = cold
	if err != nil {
		cold.Error = err.Error()
		b.out.Wrong = append(b.out.Wrong, "cold: "+cold.Error)
		return
	}
	answer, wrong := b.sc.Cold.Judge(out, exit)
	cold.Status, cold.Causes = answer.Status, answer.CauseIDs()
	for _, w := range wrong {
		b.out.Wrong = append(b.out.Wrong, "cold: "+w)
	}
	if cold.Seconds > coldMost {
		b.out.Wrong = append(b.out.Wrong, fmt.Sprintf("cold: it took %.0f s, must be at most %d", cold.Seconds, coldMost))
	}
}

// coldMost is how long the first answer may take, in seconds.
const coldMost = 60
