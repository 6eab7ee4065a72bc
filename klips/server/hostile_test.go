package server

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/pfkey"

	"ipsec/golden/lab"
)

// Who registers and does not read is cut off, and nobody waits for that.
func TestSlowClient(t *testing.T) {
	f := start(t)
	slow, err := f.dial(t).Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	quick, err := f.dial(t).Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer quick.Close()
	ev := klips.Expire{ID: mustSAID("esp0x200@192.1.2.45")}
	for sent := 0; !f.logged("cut off a client"); sent++ {
		if sent > 100_000 {
			t.Fatal("nobody is cut off")
		}
		f.events <- ev
		if _, err := quick.Next(); err != nil {
			t.Fatalf("the quick one: %v", err)
		}
	}
	for {
		if _, err := slow.Next(); err != nil {
			break
		}
	}
	if _, err := f.dial(t).GetSettings(); err != nil {
		t.Error(err)
	}
}

// Bytes that are no message are answered with EINVAL, and the connection goes on.
func TestGarbage(t *testing.T) {
	f := start(t)
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: f.socket, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	unasked, err := pfkey.Encode(&pfkey.Message{Type: pfkey.Expire})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, pfkey.MaxMessage)
	for _, c := range []struct {
		send []byte
		want syscall.Errno
	}{
		{[]byte{1}, syscall.EINVAL},
		{make([]byte, 1000), syscall.EINVAL},
		{make([]byte, pfkey.MaxMessage+100), syscall.EINVAL},
		{unasked, syscall.EOPNOTSUPP},
	} {
		if _, err := conn.Write(c.send); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := pfkey.Decode(buf[:n]); err != nil || !errors.Is(m.Err(), c.want) {
			t.Errorf("%d bytes are answered with %+v, %v", len(c.send), m, err)
		}
	}
}

// Even where the mode of the socket would let others in, they are refused.
func TestOtherUser(t *testing.T) {
	lab.NeedRoot(t)
	f := start(t)
	if err := errors.Join(os.Chmod(filepath.Dir(f.socket), 0o755), os.Chmod(f.socket, 0o666)); err != nil {
		t.Fatal(err)
	}
	lab.AsNobody(t, func() {
		c, err := client.Dial(f.socket)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, err = c.GetSettings(); err == nil {
			t.Error("another user is served")
		}
	})
	if !f.logged("refused a client of user 65534") {
		t.Errorf("the log is %q", f.lines)
	}
	if _, err := f.dial(t).GetSettings(); err != nil {
		t.Error(err)
	}
}

func TestTooManyClients(t *testing.T) {
	f := start(t)
	for range maxClients {
		if _, err := f.dial(t).GetSettings(); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.Dial(f.socket)
	if err == nil {
		defer c.Close()
		_, err = c.GetSettings()
	}
	if err == nil {
		t.Error("one too many is served")
	}
}

func TestTooManyFlows(t *testing.T) {
	c := start(t).dial(t)
	id := mustSAID("tun0x1001@10.0.0.2")
	sa := klips.SA{ID: id}
	for i := range pfkey.MaxFlows {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
		sa.Inflow = append(sa.Inflow, klips.Selector{Src: p, Dst: p})
	}
	if err := c.AddSA(sa); err != nil {
		t.Fatal(err)
	}
	if err := c.AddInflow(id, flow("11.0.0.0/8", "11.0.0.0/8")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("one flow too many: %v", err)
	}
	if got, err := c.GetSA(id); err != nil || !reflect.DeepEqual(got.Inflow, sa.Inflow) {
		t.Errorf("%d flows are read as %d, %v", len(sa.Inflow), len(got.Inflow), err)
	}
}
