package kernelpeer

import (
	"testing"
	"time"

	"ipsec/golden/lab"
)

func TestProbe(t *testing.T) {
	m := lab.New(t, "gw")
	m.Sh(t, "ip tuntap add tap0 mode tap; ip link set tap0 up")
	s := time.Now()
	g := boot(t, m, "tap0")
	t.Log(time.Since(s))
	for _, c := range []string{"uname -a", "ip a", "lsmod", "cat /proc/net/xfrm_stat", "cat /proc/uptime", "ls -la /dev; cat /proc/crypto | grep -c name; ss -lun", "echo hi"} {
		s := time.Now()
		out, err := g.try(c)
		t.Log(time.Since(s), c, err, out)
	}
}
