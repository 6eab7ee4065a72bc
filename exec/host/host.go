// Package host gathers the facts of a host that plans are compiled from, and
// writes and reads them as JSON, so that one machine plans for another.
package host

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/klips/process"
	"ipsec/plan"
)

// Gather returns the facts of this host, in a stable order: links by name,
// routes by destination, family first. It needs no privilege, so that root
// and nobody get the same facts, and changes nothing: it loads no kernel
// module. Links that KLIPS made are left out, with their addresses and routes,
// and so are IPv6 link-local addresses and routes.
func Gather(paths conf.Paths) (plan.Facts, error) {
	name, err := os.Hostname()
	if err != nil {
		return plan.Facts{}, fmt.Errorf("failed to read the host's name: %w", err)
	}
	facts := plan.Facts{
		Version:    plan.FactsVersion,
		Host:       name,
		Paths:      paths,
		TUN:        isDevice("/dev/net/tun"),
		Modprobe:   isProgram("modprobe"),
		IPv6:       isDir("/proc/sys/net/ipv6"),
		Stacks:     []string{},
		Randomness: []string{},
		RunDir:     isDir(paths.Run),
		SubsysDir:  isDir(conf.SubsysDir),
	}
	if facts.TUN || facts.Modprobe { // the module tun may not be loaded yet
		facts.Stacks = append(facts.Stacks, "klips")
	}
	if hasNetkey("/") {
		facts.Stacks = append(facts.Stacks, "netkey")
	}
	for _, path := range []string{"/dev/random", "/dev/urandom"} {
		if isDevice(path) {
			facts.Randomness = append(facts.Randomness, path)
		}
	}
	if facts.Links, facts.Routes, err = network(); err != nil {
		return plan.Facts{}, err
	}
	if facts.Running, err = running(paths); err != nil {
		return plan.Facts{}, err
	}
	return facts, nil
}

// running looks at what of ours runs, or was left behind.
func running(paths conf.Paths) (plan.Running, error) {
	var r plan.Running
	var err error
	if _, r.Klips, err = process.Alive(paths.KlipsPID()); err != nil {
		return r, fmt.Errorf("failed to see whether KLIPS is running: %w", err)
	}
	if _, r.Pluto, err = process.Alive(paths.PlutoPID()); err != nil {
		return r, fmt.Errorf("failed to see whether Pluto is running: %w", err)
	}
	_, err = os.Lstat(paths.SetupPID())
	r.Setup = err == nil
	r.Info, _, err = info.Read(paths.Info())
	return r, err
}

// hasNetkey reports whether the kernel has XFRM and its ESP, which may be a
// module that is not loaded yet. Opening an XFRM socket would tell as well, but
// might load a module. root is the folder that has proc, sys and lib.
func hasNetkey(root string) bool {
	if _, err := os.Stat(root + "proc/sys/net/core/xfrm_acq_expires"); err != nil {
		return false
	}
	if isDir(root + "sys/module/esp4") {
		return true
	}
	var system unix.Utsname
	if unix.Uname(&system) != nil {
		return false
	}
	modules := root + "lib/modules/" + unix.ByteSliceToString(system.Release[:])
	for _, list := range []string{"/modules.builtin", "/modules.dep"} {
		text, err := os.ReadFile(modules + list)
		if err == nil && strings.Contains(string(text), "/net/ipv4/esp4.ko") {
			return true
		}
	}
	return false
}

func isProgram(name string) bool {
	for dir := range strings.SplitSeq(conf.SystemPath, ":") {
		info, err := os.Stat(dir + "/" + name)
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

func isDevice(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
