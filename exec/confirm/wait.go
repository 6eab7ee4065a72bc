package confirm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/conf"
	"ipsec/klips/process"
	"ipsec/klips/process/rootonly"
)

// answerTime is how long the process that waits may take to answer.
const answerTime = 5 * time.Second

// Wait is a change that waits to be confirmed.
type Wait struct {
	Until time.Time // zero where the process does not tell us
}

// String says until when, for a person.
func (w Wait) String() string {
	if w.Until.IsZero() {
		return "a change waits to be confirmed"
	}
	return fmt.Sprintf("a change waits until %s to be confirmed", w.Until.Format(time.TimeOnly))
}

// Pending returns what waits; false where nothing does. Until when, root alone is told.
func Pending(paths conf.Paths) (w Wait, waits bool) {
	if _, alive, err := process.Alive(paths.ConfirmPID()); err != nil || !alive {
		return w, false
	}
	if answer, err := ask(paths, "until"); err == nil {
		w.Until, _ = time.Parse(time.RFC3339, answer)
	}
	return w, true
}

// FromNothing reports whether a change waits before which nothing ran.
func FromNothing(paths conf.Paths) (bool, error) {
	if _, waits := Pending(paths); !waits {
		return false, nil
	}
	answer, err := ask(paths, "before")
	return answer == nothing, err
}

// nothing is the answer to what ran before the change.
const nothing = "nothing"

// Arm is like 'ipsec _arm SECONDS': it begins to hold the way back from the configuration now, which is about to
// be made to run, to what runs; where that is being held already, it moves the time by which a
// confirmation has to come. setup is the number of the process that makes the change, and start starts 'ipsec _hold SETUP SECONDS'.
func Arm(paths conf.Paths, now *conf.Config, setup, seconds int, start func(words ...string) error) error {
	if _, waits := Pending(paths); waits {
		answer, err := ask(paths, "wait "+strconv.Itoa(seconds))
		if err == nil && answer == goingBack {
			return errTooLate
		}
		return err
	}
	if now == nil {
		return errors.New("there is no configuration")
	}
	ran, err := before(paths, now)
	if err != nil {
		return err
	}
	words := []string{"_hold", strconv.Itoa(setup), strconv.Itoa(seconds)}
	if !ran {
		words = append(words, "--nothing")
	}
	return start(words...)
}

// ErrOldLogin refuses a confirmation by who was logged in before the change: that he can type does not show that
// anybody can still come in.
var ErrOldLogin = errors.New(`this login began before the change, so that it does not show that one still can log in: confirm it from another login, or with --force`)

// errTooLate refuses a confirmation after the time.
var errTooLate = errors.New("it is too late: what ran before is coming back")

// Disarm is like 'ipsec _disarm LOGIN': the process that waits ends without going back. Without any it has
// to come from a login that began after the change. Where nothing waits, there is nothing to do.
func Disarm(paths conf.Paths, any bool) error {
	if _, waits := Pending(paths); !waits { // what a dead one has left may go
		return errors.Join(remove(paths.ConfirmPID()), remove(paths.ConfirmCtl()))
	}
	if !any {
		answer, err := ask(paths, "armed")
		if err != nil {
			return err
		}
		if answer == goingBack {
			return errTooLate
		}
		armed, err := strconv.ParseInt(answer, 10, 64)
		if err != nil {
			return fmt.Errorf("malformed answer %q of the process that waits", answer)
		}
		began, err := loginTime()
		if err != nil {
			return err
		}
		if began <= time.Duration(armed) {
			return ErrOldLogin
		}
	}
	answer, err := ask(paths, "done")
	if err != nil || answer == goingBack { // the one that asks is what goes back
		return err
	}
	for end := time.Now().Add(answerTime); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, waits := Pending(paths); !waits {
			return nil
		}
	}
	return errors.New("the process that waits for a confirmation does not end")
}

// GoBack is like 'ipsec _goback': the process that waits goes back when the setup that made the change has ended.
func GoBack(paths conf.Paths) error {
	_, err := ask(paths, "back")
	return err
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// goingBack is the answer of a process that goes back: to the one that does so for it, and to who wants it to wait.
const goingBack = "going back"

// ask asks the process that waits one thing.
func ask(paths conf.Paths, question string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	conn, err := rootonly.Dial(ctx, "unix", paths.ConfirmCtl())
	if err != nil {
		return "", fmt.Errorf("failed to ask the process that waits for a confirmation: %w", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(answerTime))
	if _, err := fmt.Fprintln(conn, question); err != nil {
		return "", err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("failed to hear from the process that waits for a confirmation: %w", err)
	}
	return strings.TrimSpace(answer), nil
}

// answer answers one question of a client; it is true for done. Who says that while another process goes back has the
// lock that this one needs: it ends.
func (h *holder) answer(conn *net.UnixConn) (done bool) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(answerTime))
	line := make([]byte, 64)
	n, err := conn.Read(line)
	if err != nil {
		return false
	}
	words := strings.Fields(string(line[:n]))
	answer := "malformed question"
	switch {
	case len(words) == 1 && words[0] == "until":
		answer = time.Now().Add(h.until - boottime()).Format(time.RFC3339)
	case len(words) == 1 && words[0] == "back":
		h.until = 0
		answer = goingBack
	case len(words) == 1 && words[0] == "armed":
		if answer = strconv.FormatInt(int64(h.armed), 10); h.going {
			answer = goingBack
		}
	case len(words) == 1 && words[0] == "before":
		answer = "what was confirmed last"
		if h.Nothing {
			answer = nothing
		}
	case len(words) == 2 && words[0] == "wait":
		seconds, err := strconv.Atoi(words[1])
		if h.going {
			answer = goingBack
		} else if err == nil && seconds > 0 {
			h.until = boottime() + time.Duration(seconds)*time.Second
			answer = "waits"
		}
	case len(words) == 1 && words[0] == "done":
		answer, done = "done", true
		switch {
		case h.back != nil && peer(conn) == h.child.Load():
			answer = goingBack
		case h.back != nil:
			h.giveUp()
		}
	}
	fmt.Fprintln(conn, answer)
	return done
}

// peer returns the number of the process at the other end; 0 where it cannot be told.
func peer(conn *net.UnixConn) (pid int64) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int64(cred.Pid)
		}
	})
	return pid
}
