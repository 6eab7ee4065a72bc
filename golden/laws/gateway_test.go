package laws

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// gateway is a machine with an ipsec.conf: eth0 leads to the world, eth1 to
// clients. Nobody is at the other ends.
type gateway struct {
	*lab.Machine
	t testing.TB
	// uid is the user of the commands.
	uid uint32
}

// network lays the links of a gateway. New links get no link-local addresses,
// which would be random ones. It waits until the kernel has added all routes of
// IPv6, which it does when a link has its carrier.
const network = `
sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.all.addr_gen_mode=1
ip -batch - <<-.
	link add eth0 address 02:00:00:00:00:01 type veth peer name far0 address 02:00:00:00:00:02
	link add eth1 address 02:00:00:00:01:01 type veth peer name far1 address 02:00:00:00:01:02
	addr add 192.0.2.1/24 dev eth0
	addr add 2001:db8:1::1/64 dev eth0 nodad
	addr add 10.0.1.1/24 dev eth1
	addr add 2001:db8:a::1/64 dev eth1 nodad
	link set far0 up
	link set far1 up
	link set eth0 up
	link set eth1 up
	route add default via 192.0.2.254
.
for link in eth0 eth1 far0 far1; do
	until ip -6 route show table local dev $link | grep -q ^multicast; do sleep 0.01; done
done
` + lab.Settle

// newGateway makes a gateway with a configuration; what more there is to
// prepare is for sh to do.
func newGateway(t testing.TB, text, more string) *gateway {
	t.Helper()
	lab.NeedTUN(t)
	lab.NeedProgram(t, "ip")
	g := &gateway{Machine: lab.New(t, "gw"), t: t}
	g.write("/etc/ipsec.conf", text)
	g.Sh(t, network+more)
	return g
}

// write writes a file of the gateway.
func (g *gateway) write(path, text string) {
	g.t.Helper()
	if err := g.Do(func() error { return os.WriteFile(path, []byte(text), 0o644) }); err != nil {
		g.t.Fatal(err)
	}
}

// exists reports whether the gateway has a file.
func (g *gateway) exists(path string) bool {
	return g.Do(func() error { _, err := os.Lstat(path); return err }) == nil
}

// result is what came of a command.
type result struct {
	status         int // -1: killed
	stdout, stderr string
}

// environment is the environment of a machine that boots.
func environment() []string { return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"} }

// command returns a command for Start.
func (g *gateway) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = environment(), "/"
	// A daemon that keeps our pipe open shows as an error of Wait.
	cmd.WaitDelay = 5 * time.Second
	if g.uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: g.uid, Gid: g.uid}}
	}
	return cmd
}

// do runs a command to its end.
func (g *gateway) do(name string, args ...string) result {
	g.t.Helper()
	var out, err bytes.Buffer
	cmd := g.command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &err
	if err := g.Start(cmd); err != nil {
		g.t.Fatalf("failed to start %s %q: %v", name, args, err)
	}
	return g.result(cmd.Wait(), &out, &err)
}

func (g *gateway) result(wait error, out, err *bytes.Buffer) result {
	g.t.Helper()
	r := result{stdout: out.String(), stderr: err.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(wait, &exit):
		r.status = exit.ExitCode()
	case wait != nil:
		g.t.Fatalf("%v\n%s%s", wait, r.stdout, r.stderr)
	}
	return r
}

// ipsec runs the binary.
func (g *gateway) ipsec(args ...string) result {
	g.t.Helper()
	return g.do(bin+"/ipsec", args...)
}

// must runs the binary, which must end with that status.
func (g *gateway) must(status int, args ...string) string {
	g.t.Helper()
	r := g.ipsec(args...)
	if r.status != status {
		g.t.Fatalf("ipsec %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), r.status, status, r.stdout, r.stderr)
	}
	return r.stdout
}

// as returns the same gateway for another user.
func (g *gateway) as(uid uint32) *gateway {
	other := *g
	other.uid = uid
	return &other
}

const nobody = 65534
