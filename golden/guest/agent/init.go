package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipsec/golden/guest/order"
)

// modules are the kernel modules that the SAs of the tests need. The crypto layer
// would load them one by one while packets are lost, and look for many that do not
// exist, so loading on demand is switched off afterwards.
const modules = `xfrm_user ipv6 esp4 esp6 ah4 ah6 ipcomp ipcomp6 xfrm4_tunnel xfrm6_tunnel tunnel4 tunnel6
	authenc authencesn echainiv seqiv cbc ctr gcm ghash-generic ccm xcbc cmac hmac sha512_generic des_generic deflate
	chacha20poly1305 chacha_generic poly1305_generic drbg ansi_cprng`

// guest is the first process of the guest. It returns only when it fails.
func guest() error {
	ready := prepare()
	line, err := serial("/dev/ttyS0")
	if err != nil {
		return errors.Join(ready, err)
	}
	obey(line, ready)
	return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func prepare() error {
	os.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	os.Setenv("LANG", "C")
	for where, kind := range map[string]string{"/proc": "proc", "/sys": "sysfs", "/run": "tmpfs"} {
		if err := unix.Mount(kind, where, kind, 0, ""); err != nil {
			return fmt.Errorf("failed to mount %s: %w", where, err)
		}
	}
	load := func(modules string) error {
		args := append([]string{"-d", os.Getenv("modules_dir"), "-a"}, strings.Fields(modules)...)
		if out, err := exec.Command("modprobe", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("modprobe: %w: %s", err, out)
		}
		return nil
	}
	// It does not load where the clock is too coarse, and drbg then works
	// without it.
	_ = load("jitterentropy_rng")
	if err := load(modules); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/kernel/modprobe", []byte("\n"), 0); err != nil {
		return err
	}
	if os.Getenv("encapsulate") == "true" {
		return encapsulate()
	}
	return nil
}

// encapsulate has the kernel take ESP off what comes to UDP port 4500, as IKE
// daemons do for it (RFC 3948). The sockets stay open.
func encapsulate() error {
	const port = 4500
	for _, s := range []struct {
		family, level, policy int
		addr                  unix.Sockaddr
	}{
		{unix.AF_INET, unix.IPPROTO_IP, unix.IP_XFRM_POLICY, &unix.SockaddrInet4{Port: port}},
		{unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_XFRM_POLICY, &unix.SockaddrInet6{Port: port}},
	} {
		fd, err := unix.Socket(s.family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err == nil && s.family == unix.AF_INET6 {
			err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
		}
		if err == nil {
			err = unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_ENCAP, unix.UDP_ENCAP_ESPINUDP)
		}
		if err == nil {
			err = exempt(fd, s.family, s.level, s.policy)
		}
		if err == nil {
			err = unix.Bind(fd, s.addr)
		}
		if err != nil {
			return fmt.Errorf("failed to open UDP port %d for ESP: %w", port, err)
		}
	}
	return nil
}

// exempt exempts a socket's own packets from the policies: packets that carry ESP
// must not go into ESP once more.
func exempt(fd, family, level, option int) error {
	const in, out = 0, 1 // XFRM_POLICY_IN, XFRM_POLICY_OUT
	for _, dir := range []uint8{in, out} {
		policy := nl.XfrmUserpolicyInfo{Dir: dir} // whose action 0 is to allow
		policy.Sel.Family = uint16(family)
		if err := unix.SetsockoptString(fd, level, option, string(policy.Serialize())); err != nil {
			return fmt.Errorf("failed to set a policy: %w", err)
		}
	}
	return nil
}

// serial opens a serial line for bytes as they are.
func serial(name string) (*os.File, error) {
	line, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	mode, err := unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	mode.Iflag, mode.Oflag, mode.Lflag = 0, 0, 0
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	return line, unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS, mode)
}

// obey answers that the guest is ready, or why it is not, and then carries out orders
// until the line is closed.
func obey(line *os.File, err error) {
	in, out := json.NewDecoder(line), json.NewEncoder(line)
	answer := order.Answer{}
	if err != nil {
		answer = order.Answer{Output: err.Error(), Status: 1}
	}
	for {
		if out.Encode(answer) != nil {
			return
		}
		var o order.Order
		if in.Decode(&o) != nil || o.Script == "" {
			return
		}
		text, err := exec.Command("/bin/sh", "-ec", o.Script).CombinedOutput()
		answer = order.Answer{Output: string(text)}
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit):
			answer.Status = exit.ExitCode()
		case err != nil:
			answer = order.Answer{Output: err.Error(), Status: 1}
		}
	}
}
