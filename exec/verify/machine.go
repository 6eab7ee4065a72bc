package verify

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"ipsec/conf"
	"ipsec/conf/secrets"
	"ipsec/conf/textfile"
	"ipsec/exec/host"
	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/plan"
)

// Machine is what the checks look at.
type Machine struct {
	Paths conf.Paths
	Super bool // the superuser asks

	Config    *conf.Config // nil where none could be read
	ConfigErr error
	Facts     plan.Facts
	FactsErr  error

	Binary      File // this program
	TUN         File // /dev/net/tun; for the superuser, opened to write
	RunFolder   File // for the superuser, asked whether it may be written to
	SecretsFile File // ipsec.secrets
	SecretsErr  error
	SecretsRead bool   // some of the secrets could be read
	KeyFolder   File   // ipsec.d
	PrivateKeys File   // ipsec.d/private
	OpenKeys    []File // files of the configuration with manual keys, which others may look into

	Forwarding  string          // /proc/sys/net/ipv4/ip_forward
	RPFilter    map[string]int  // of each link and of "all"
	Bound       map[uint16]bool // UDP ports that some socket of this network namespace has
	BoundErr    error
	SyslogErr   error              // of connecting to /dev/log
	Attachments []klips.Attachment // of a KLIPS that runs, for the superuser
	KlipsErr    error              // of asking it for them
}

// File is what was found of a file.
type File struct {
	Path string
	Mode fs.FileMode
	Err  error // of looking at it: fs.ErrNotExist where it is not there
	Open error // of opening it, where that was tried
}

// absent reports whether there is no such file.
func (f File) absent() bool { return errors.Is(f.Err, fs.ErrNotExist) }

// Gather looks at this machine. self is the path of this program.
func Gather(paths conf.Paths, self string) Machine {
	facts, err := host.Gather(paths)
	return gather("/", paths, self, os.Geteuid() == 0, facts, err)
}

// gather looks at a machine whose proc and dev lie below root.
func gather(root string, paths conf.Paths, self string, super bool, facts plan.Facts, factsErr error) Machine {
	at := func(name string) string { return filepath.Join(root, name) }
	m := Machine{Paths: paths, Super: super, Facts: facts, FactsErr: factsErr,
		Binary: look(self), TUN: look(at("/dev/net/tun")), RunFolder: look(paths.Run),
		SecretsFile: look(paths.Secrets()), KeyFolder: look(paths.Dir()), PrivateKeys: look(filepath.Join(paths.Dir(), "private")),
		Forwarding: value(at("/proc/sys/net/ipv4/ip_forward")), RPFilter: make(map[string]int),
	}
	m.TUN.Path = "/dev/net/tun"
	m.Config, m.ConfigErr = conf.Load(paths)
	if m.Super && m.TUN.Err == nil {
		file, err := os.OpenFile(at(m.TUN.Path), os.O_RDWR, 0)
		file.Close()
		m.TUN.Open = err
	}
	if m.Super && m.RunFolder.Err == nil {
		m.RunFolder.Open = unix.Access(paths.Run, unix.W_OK)
	}
	if m.SecretsFile.Err == nil {
		var s *secrets.Secrets
		s, m.SecretsErr = secrets.Load(paths.Secrets())
		m.SecretsRead = len(s.Files) > 0
	}
	if m.Config != nil {
		m.OpenKeys = openKeys(m.Config.Files)
	}
	for _, name := range append([]string{"all"}, linkNames(facts)...) {
		m.RPFilter[name], _ = strconv.Atoi(value(at("/proc/sys/net/ipv4/conf/" + name + "/rp_filter")))
	}
	m.Bound, m.BoundErr = bound(at("/proc/self/net/udp"), at("/proc/self/net/udp6"))
	m.SyslogErr = listens(at("/dev/log"))
	if m.Super && m.FactsErr == nil && m.Facts.Running.Klips {
		m.Attachments, m.KlipsErr = attachments(paths)
	}
	return m
}

func look(path string) File {
	f := File{Path: path}
	info, err := os.Stat(path)
	if f.Err = err; err == nil {
		f.Mode = info.Mode()
	}
	return f
}

// value returns the text of a kernel setting, "" where there is none.
func value(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func linkNames(facts plan.Facts) []string {
	var names []string
	for _, l := range facts.Links {
		names = append(names, l.Name)
	}
	return names
}

// manualKey matches a line that holds a key of a manually keyed connection.
var manualKey = regexp.MustCompile(`(?mi)^[ \t]+(left|right)?(espenckey|espauthkey|ahkey)[ \t]*=[ \t]*\S`)

// maxConf bounds what is looked through for keys. What is longer, conf refuses.
const maxConf = 16 << 20

// openKeys returns those files that hold keys and that others may look into.
func openKeys(names []string) []File {
	var open []File
	for _, name := range names {
		f := look(name)
		if !othersMay(f, othersAny) {
			continue
		}
		if text, _, err := textfile.Regular(name, maxConf); err == nil && manualKey.Match(text) {
			open = append(open, f)
		}
	}
	return open
}

// bound returns the local ports of tables like /proc/net/udp, for which nobody
// needs a privilege. Only the first has to be there: a host may be without IPv6.
func bound(tables ...string) (map[uint16]bool, error) {
	ports := make(map[uint16]bool)
	for i, name := range tables {
		file, err := os.Open(name)
		if err != nil && i > 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		for rows := bufio.NewScanner(file); rows.Scan(); {
			words := strings.Fields(rows.Text())
			if len(words) < 2 {
				continue
			}
			if _, hex, ok := strings.Cut(words[1], ":"); ok {
				if port, err := strconv.ParseUint(hex, 16, 16); err == nil {
					ports[uint16(port)] = true
				}
			}
		}
		file.Close()
	}
	return ports, nil
}

// listens fails where no syslog takes messages at path.
func listens(path string) error {
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		conn, err = net.Dial("unix", path)
	}
	if err != nil {
		return err
	}
	return conn.Close()
}

// attachments asks KLIPS for its interfaces.
func attachments(paths conf.Paths) ([]klips.Attachment, error) {
	table, err := client.Dial(paths.KlipsCtl())
	if err != nil {
		return nil, err
	}
	defer table.Close()
	list, err := table.ListAttachments()
	if err != nil {
		return nil, err
	}
	return list, nil
}
