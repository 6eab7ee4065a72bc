package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ipsec/conf"
	"ipsec/conf/secrets"
	"ipsec/plan"
)

// This file holds the checks that look at the machine.

// physical returns the links that interfaces= names, in order. Where
// %defaultroute cannot be resolved it gives nothing: the plan has said why.
func (m *machine) physical() []string {
	var links []string
	for _, i := range m.config.Setup.Interfaces {
		switch i.Form {
		case conf.InterfaceBind:
			links = append(links, i.Physical)
		case conf.InterfaceDefaultRoute:
			for _, route := range m.facts.Routes {
				if route.Dst.Bits() == 0 && route.Dst.Addr().Is4() {
					links = append(links, route.Link)
				}
			}
		}
	}
	slices.Sort(links)
	return slices.Compact(links)
}

func (m *machine) interfaces() []finding {
	var all []finding
	for _, name := range m.physical() {
		f := finding{"Interface " + name, good, nil}
		i := slices.IndexFunc(m.facts.Links, func(l plan.Link) bool { return l.Name == name })
		switch {
		case i < 0:
			f = finding{f.what, failed, []string{"there is no such link; interfaces= in " + m.config.Setup.At("interfaces").String() + " names it"}}
		case len(m.facts.Links[i].Addrs) == 0:
			f = finding{f.what, failed, []string{"it has no address: give it one before the start"}}
		case !m.facts.Links[i].Up:
			f = finding{f.what, warning, []string{"it is down"}}
		}
		all = append(all, f)
	}
	return all
}

func (m *machine) tunDevice() finding {
	name := "/dev/net/tun"
	f := finding{"Device " + name, good, nil}
	if s := m.config.Setup.Protostack; s == "none" {
		f.details = []string{"not needed: protostack=" + s}
		return f
	}
	info, err := os.Stat(m.path(name))
	switch {
	case err != nil && m.facts.Modprobe:
		return finding{f.what, warning, []string{"not there; start tries modprobe tun"}}
	case err != nil:
		return finding{f.what, failed, []string{"not there, and KLIPS needs it: load the module tun"}}
	case info.Mode()&os.ModeCharDevice == 0:
		return finding{f.what, failed, []string{"expected a character device"}}
	}
	if m.super {
		file, err := os.OpenFile(m.path(name), os.O_RDWR, 0)
		if err != nil {
			return finding{f.what, failed, []string{err.Error()}}
		}
		file.Close()
	}
	return f
}

// pluto says whether the daemon that the configuration asks for can be had.
func (m *machine) pluto() finding {
	f := finding{"Pluto", good, nil}
	if !m.config.Setup.Pluto {
		f.details = []string{"not needed: pluto=no"}
		return f
	}
	for _, conn := range m.config.Conns {
		loaded := conn.Auto == conf.AutoAdd || conn.Auto == conf.AutoRoute || conn.Auto == conf.AutoStart
		if loaded && conn.IKEv2 == "never" && (conn.Type == conf.Tunnel || conn.Type == conf.Transport) {
			f.verdict = warning
			f.details = append(f.details, fmt.Sprintf("conn %s (%s) allows IKEv1 alone, which is not spoken here", conn.Name, conn.Pos))
		}
	}
	return f
}

func (m *machine) forwarding() finding {
	f := finding{"Forwarding of packets", good, nil}
	gateway := slices.ContainsFunc(m.config.Conns, func(c *conf.Conn) bool {
		return c.Auto != conf.AutoIgnore && (len(c.Left.Subnets) > 0 || len(c.Right.Subnets) > 0)
	})
	switch {
	case m.config.Setup.ForwardControl:
		f.details = []string{"start turns it on (forwardcontrol=yes)"}
	case gateway && m.value("/proc/sys/net/ipv4/ip_forward") == "0":
		return finding{f.what, warning, []string{"off, and a connection has a subnet: set forwardcontrol=yes in config setup, or net.ipv4.ip_forward=1"}}
	}
	return f
}

// reversePath looks at the filter in force, which is the larger of the link's
// own and that of all.
func (m *machine) reversePath() []finding {
	if m.config.Setup.RPFilter != "%unchanged" {
		return []finding{{"Reverse path filter", good, []string{"start sets it (rp_filter=" + m.config.Setup.RPFilter + ")"}}}
	}
	var all []finding
	const dir = "/proc/sys/net/ipv4/conf/"
	for _, link := range m.physical() {
		f := finding{"Reverse path filter of " + link, good, nil}
		own, _ := strconv.Atoi(m.value(dir + link + "/rp_filter"))
		every, _ := strconv.Atoi(m.value(dir + "all/rp_filter"))
		if n := max(own, every); n == 1 {
			f = finding{f.what, warning, []string{fmt.Sprintf("%d is in force, which may drop what comes out of a tunnel: set rp_filter=0 in config setup", n)}}
		}
		all = append(all, f)
	}
	return all
}

// secrets looks at ipsec.secrets, whether others can read it and whether all of
// it can be understood.
func (m *machine) secrets() []finding {
	name := m.paths.Secrets()
	f := finding{"Secrets " + name, good, nil}
	info, err := os.Stat(name)
	switch {
	case os.IsNotExist(err):
		if conn := m.automatic(func(c *conf.Conn) bool { return strings.Contains(c.AuthBy, "secret") }); conn != nil {
			return []finding{{f.what, warning, []string{fmt.Sprintf("not there, and conn %q (%s) has authby=secret: make it, with mode 600 and a line such as", conn.Name, conn.Pos),
				`192.0.2.1 192.0.2.2 : PSK "…"`}}}
		}
		return []finding{{f.what, good, []string{"not there; connections with secrets of their own need it"}}}
	case err != nil:
		return []finding{{f.what, warning, []string{err.Error()}}}
	case info.Mode()&0o077 != 0:
		return []finding{{f.what, failed, []string{"other users may read or write it: chmod 600 " + name}}}
	}
	s, err := secrets.Load(name)
	if errors.Is(err, fs.ErrPermission) {
		f.details = []string{"only the superuser can look into it"}
		return []finding{f}
	}
	var wrong conf.Errors
	if errors.As(err, &wrong) && !errors.Is(err, fs.ErrNotExist) {
		f.verdict = warning
		if len(s.Files) == 0 {
			f.verdict = failed
		}
		for _, d := range wrong {
			f.details = append(f.details, d.String())
		}
	}
	return []finding{f}
}

// automatic returns the first conn of those that Pluto gets.
func (m *machine) automatic(which func(*conf.Conn) bool) *conf.Conn {
	if m.config == nil {
		return nil
	}
	for _, c := range m.config.Conns {
		if (c.Auto == conf.AutoAdd || c.Auto == conf.AutoRoute || c.Auto == conf.AutoStart) && !c.PolicyGroup && which(c) {
			return c
		}
	}
	return nil
}

// keyFolder looks at ipsec.d, where certificates and private keys are.
func (m *machine) keyFolder() finding {
	f := finding{"Certificates and keys in " + m.paths.Dir(), good, nil}
	if _, err := os.Stat(m.paths.Dir()); os.IsNotExist(err) {
		f.details = []string{"not there; connections with certificates need it"}
		if conn := m.automatic(func(c *conf.Conn) bool { return c.Left.Cert != "" || c.Right.Cert != "" }); conn != nil {
			f.verdict = warning
			f.details = []string{fmt.Sprintf("not there, and conn %q (%s) has a certificate: ipsec.d/certs, cacerts, private and crls are looked for there", conn.Name, conn.Pos)}
		}
		return f
	}
	if info, err := os.Stat(filepath.Join(m.paths.Dir(), "private")); err == nil && info.Mode()&0o077 != 0 {
		f.verdict = warning
		f.details = []string{"other users may look into private: chmod 700 " + filepath.Join(m.paths.Dir(), "private")}
	}
	return f
}

// manualKey matches a line that holds a key of a manually keyed connection.
var manualKey = regexp.MustCompile(`(?mi)^[ \t]+(left|right)?(espenckey|espauthkey|ahkey)[ \t]*=[ \t]*\S`)

// keyFiles looks at the modes of the configuration's files that hold keys.
func (m *machine) keyFiles() []finding {
	if m.config == nil {
		return nil
	}
	var all []finding
	for _, name := range m.config.Files {
		info, err := os.Stat(name)
		if err != nil || info.Mode()&0o077 == 0 {
			continue
		}
		if text, err := os.ReadFile(name); err == nil && manualKey.Match(text) {
			all = append(all, finding{"Keys in " + name, warning, []string{"other users may read them: chmod 600 " + name}})
		}
	}
	return all
}

// ports looks whether what is not ours has the ports of IKE and of ESP in UDP.
func (m *machine) ports() []finding {
	var all []finding
	for _, port := range []uint16{500, 4500} {
		f := finding{fmt.Sprintf("UDP port %d", port), good, nil}
		if port == 500 && m.configErr == nil && !m.config.Setup.Pluto {
			f.details = []string{"not needed: pluto=no"}
			all = append(all, f)
			continue
		}
		ours := m.facts.Running.Pluto || port == 4500 && m.facts.Running.Klips
		switch used, err := m.udpBound(port); {
		case err != nil:
			f = finding{f.what, warning, []string{err.Error()}}
		case used && ours:
			f.details = []string{"ours"}
		case used && port == 500:
			f = finding{f.what, failed, []string{"another program has it, and Pluto needs it: end that one first (ss -lunp tells which)"}}
		case used:
			f = finding{f.what, warning, []string{"another program has it: end that one first (ss -lunp tells which)"}}
		}
		all = append(all, f)
	}
	return all
}

// udpBound reports whether a socket of this network namespace has the port,
// by /proc/net/udp, for which nobody needs a privilege.
func (m *machine) udpBound(port uint16) (bool, error) {
	hex := fmt.Sprintf(":%04X", port)
	for i, name := range []string{"/proc/self/net/udp", "/proc/self/net/udp6"} {
		file, err := os.Open(m.path(name))
		if err != nil {
			if i > 0 { // no IPv6 here
				continue
			}
			return false, err
		}
		defer file.Close()
		for rows := bufio.NewScanner(file); rows.Scan(); {
			if words := strings.Fields(rows.Text()); len(words) > 1 && strings.HasSuffix(words[1], hex) {
				return true, nil
			}
		}
	}
	return false, nil
}

func (m *machine) syslog() finding {
	f := finding{"Syslog /dev/log", good, nil}
	conn, err := net.Dial("unixgram", m.path("/dev/log"))
	if err != nil {
		conn, err = net.Dial("unix", m.path("/dev/log"))
	}
	if err != nil {
		return finding{f.what, warning, []string{"nothing listens there: what start says goes to standard output alone"}}
	}
	conn.Close()
	return f
}
