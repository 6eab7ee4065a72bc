package kernelpeer

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"ipsec/golden/kernelpeer/order"
	"ipsec/golden/lab"
)

// guest is a real kernel that runs as a process, its link vec0 being the other
// end of a tap device. Its files are those of the host; it must not write to them.
type guest struct {
	orders  *json.Encoder
	answers *json.Decoder
	in, out *os.File // what answers are read from, and orders written to
}

// guestFolder is where .ci/guest unpacks the guest by default.
func guestFolder() string {
	if dir := os.Getenv("IPSEC_GUEST"); dir != "" {
		return dir
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, ok := os.LookupEnv("HOME")
		if !ok || home == "" {
			home = "/var"
		}
		cache = filepath.Join(home, ".cache")
	}
	return filepath.Join(cache, "ipsec-guest")
}

// needGuest is lab.Missing where the guest is not installed.
func needGuest(t *testing.T) string {
	t.Helper()
	dir := guestFolder()
	kernel := filepath.Join(dir, "usr/bin/linux.uml")
	if _, err := os.Stat(kernel); err != nil {
		lab.Missing(t, "this test needs the guest that .ci/guest installs, in $IPSEC_GUEST or %s", dir)
	}
	return dir
}

// boot starts the guest on the tap device of m, and waits until it is ready. It
// ends with the test.
func boot(t *testing.T, m *lab.Machine, tap string) *guest {
	t.Helper()
	dir, work := needGuest(t), t.TempDir()
	console, err := os.Create(filepath.Join(work, "console"))
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	guestIn, out := pipe(t)
	in, guestOut := pipe(t)
	cmd := exec.Command(filepath.Join(dir, "usr/bin/linux.uml"),
		"mem=128M", "root=none", "rootfstype=hostfs", "rootflags=/", "ro", "init="+bin+"/agent", "quiet", "panic=-1",
		"con=null", "con0=null,fd:1", "ssl=null", "ssl0=fd:3,fd:4",
		"umid=guest", "uml_dir="+work, "modules_dir="+dir, "vec0:transport=tap,ifname="+tap+",depth=128")
	// The guest's memory is a file that must be executable.
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=/dev/shm", "HOME=" + work}
	cmd.Stdout, cmd.Stderr = console, console
	cmd.ExtraFiles = []*os.File{guestIn, guestOut}
	if err := m.Start(cmd); err != nil {
		t.Fatalf("failed to start the guest: %v", err)
	}
	guestIn.Close()
	guestOut.Close()
	g := &guest{orders: json.NewEncoder(out), answers: json.NewDecoder(in), in: in, out: out}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		g.orders.Encode(order.Order{})
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Error("the guest does not end")
			cmd.Process.Kill()
			<-ended
		}
		in.Close()
		out.Close()
		if t.Failed() {
			text, _ := os.ReadFile(console.Name())
			t.Logf("the guest's console:\n%s", text)
		}
	})
	in.SetReadDeadline(time.Now().Add(60 * time.Second))
	var ready order.Answer
	if err := g.answers.Decode(&ready); err != nil || ready.Status != 0 {
		t.Fatalf("the guest is not ready: %v %s", err, ready.Output)
	}
	return g
}

// pipe is os.Pipe.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// try runs a script in the guest and returns what it printed.
func (g *guest) try(script string) (string, error) {
	if err := g.orders.Encode(order.Order{Script: script}); err != nil {
		return "", err
	}
	g.in.SetReadDeadline(time.Now().Add(60 * time.Second))
	var answer order.Answer
	if err := g.answers.Decode(&answer); err != nil {
		return "", err
	}
	if answer.Status != 0 {
		return answer.Output, fmt.Errorf("exit status %d", answer.Status)
	}
	return answer.Output, nil
}

// sh is try of a script that must not fail.
func (g *guest) sh(t testing.TB, script string) string {
	t.Helper()
	out, err := g.try(script)
	if err != nil {
		t.Fatalf("guest: %v\n%s\n%s", err, script, out)
	}
	return out
}
