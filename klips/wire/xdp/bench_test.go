package xdp

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	bpflink "github.com/cilium/ebpf/link"

	"ipsec/golden/lab"
	"ipsec/klips/packet"
)

// BenchmarkLink sends packets from one namespace to another.
func BenchmarkLink(b *testing.B) {
	for _, mode := range []bpflink.XDPAttachFlags{bpflink.XDPGenericMode, bpflink.XDPDriverMode} {
		name := "generic"
		if mode == bpflink.XDPDriverMode {
			name = "native"
		}
		b.Run(name, func(b *testing.B) { benchmarkLink(b, mode) })
	}
}

func cpu() time.Duration {
	var u unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchmarkLink(b *testing.B, mode bpflink.XDPAttachFlags) {
	west, east := lab.New(b, "west"), lab.New(b, "east")
	lab.Connect(b, west, "wan", east, "wan")
	p, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	var from, to *Link
	var macs [2]net.HardwareAddr
	for i, m := range []*lab.Machine{west, east} {
		err := m.Do(func() error {
			l, err := p.attach("wan", mode)
			if err != nil {
				return err
			}
			if i == 0 {
				from = l
			} else {
				to = l
			}
			ifi, err := net.InterfaceByName("wan")
			macs[i] = ifi.HardwareAddr
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	defer from.Close()
	src, dst := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	to.SetLocal([]netip.Addr{dst})
	const size = 1460
	bufs := packet.NewBuffers(44, size)
	for _, x := range bufs {
		x.SetLen(size)
		outer := packet.Outer{Src: src, Dst: dst, TTL: 64, Proto: packet.ESP}
		outer.Put(x.Bytes(), size-20)
	}
	var head Header
	copy(head[:], macs[1])
	copy(head[6:], macs[0])
	head[12] = 8
	got := make(chan int)
	total := 0
	reads := 0
	go func() {
		in := packet.NewBuffers(64, 64)
		for {
			n, err := to.Inlets()[0].ReadBatch(in)
			if err == os.ErrClosed {
				break
			}
			reads++
			total += n
		}
		got <- total
	}()
	b.ResetTimer()
	before := cpu()
	began := time.Now()
	sent, full := 0, 0
	for sent < b.N {
		n, err := from.Send(&head, bufs)
		if err != nil {
			b.Fatal(err)
		}
		if n < len(bufs) {
			full++
		}
		sent += n
	}
	took := time.Since(began)
	used := cpu() - before
	time.Sleep(10 * time.Millisecond)
	to.Close()
	n := <-got
	b.ReportMetric(float64(n)/took.Seconds()/1e3, "kpps")
	b.ReportMetric(float64(n)*size*8/took.Seconds()/1e9, "Gbit/s")
	b.ReportMetric(float64(sent-n)/float64(sent)*100, "%lost")
	b.ReportMetric(float64(used.Nanoseconds())/float64(n), "cpu-ns/packet")
	b.ReportMetric(float64(n)/float64(reads), "packets/read")
	b.ReportMetric(float64(full), "full")
	_ = syscall.EINVAL
}
