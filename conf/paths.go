package conf

import (
	"path/filepath"
	"strings"
)

// Default folders of an installation.
const (
	DefaultConfs = "/etc"
	DefaultRun   = "/var/run/pluto"
	DefaultBin   = "/usr/sbin"
	SubsysDir    = "/var/lock/subsys"
)

// Paths says where everything of one instance lies. Instances live side by
// side, each in a network namespace and with a run folder of its own.
type Paths struct {
	Bin   string `json:"bin"`   // the folder of the ipsec binary
	Confs string `json:"confs"` // IPSEC_CONFS: the folder of ipsec.conf, ipsec.secrets and ipsec.d
	Conf  string `json:"conf"`  // ipsec.conf itself, which --config replaces alone
	Run   string `json:"run"`   // IPSEC_RUNDIR, or --rundir
}

// DefaultPaths returns the paths of an installation in its usual place.
func DefaultPaths() Paths {
	return Paths{Bin: DefaultBin, Confs: DefaultConfs, Conf: DefaultConfs + "/ipsec.conf", Run: DefaultRun}
}

// The variables of the environment by which the commands of this program find their
// instance, and those of a plan's script.
const (
	EnvConfs  = "IPSEC_CONFS"  // Paths.Confs
	EnvConf   = "IPSEC_CONF"   // Paths.Conf, where it is not ipsec.conf in Paths.Confs
	EnvRun    = "IPSEC_RUNDIR" // Paths.Run
	EnvSyslog = "IPSEC_SYSLOG" // facility.priority of what is said
)

// PathsFrom returns the paths that the variables of the environment give, and the
// usual ones where they are not set.
func PathsFrom(getenv func(string) string) Paths {
	p := DefaultPaths()
	if dir := getenv(EnvConfs); dir != "" {
		p.Confs, p.Conf = dir, filepath.Join(dir, "ipsec.conf")
	}
	if file := getenv(EnvConf); file != "" {
		p.Conf = file
	}
	if dir := getenv(EnvRun); dir != "" {
		p.Run = dir
	}
	return p
}

// Environ returns the variables of the environment that give p, each NAME=value.
func (p Paths) Environ() []string {
	return []string{EnvConfs + "=" + p.Confs, EnvConf + "=" + p.Conf, EnvRun + "=" + p.Run}
}

// Absolute returns paths that mean the same in any folder: a plan is run in
// another one than it was made in, and a daemon's folder is "/".
func (p Paths) Absolute() Paths {
	for _, path := range []*string{&p.Confs, &p.Conf, &p.Run} {
		if abs, err := filepath.Abs(*path); err == nil {
			*path = abs
		}
	}
	return p
}

// SystemPath is where the system's own programs are looked for, whatever PATH
// the caller has. DefaultBin is its first folder.
const SystemPath = "/usr/sbin:/usr/bin:/sbin:/bin"

// Path is the PATH that everything runs with: the binary's folder and SystemPath.
func (p Paths) Path() string {
	if p.Bin == DefaultBin {
		return SystemPath
	}
	return p.Bin + ":" + SystemPath
}

// Secrets is ipsec.secrets(5).
func (p Paths) Secrets() string { return filepath.Join(p.Confs, "ipsec.secrets") }

// Dir is the folder ipsec.d of policies, certificates and keys.
func (p Paths) Dir() string { return filepath.Join(p.Confs, "ipsec.d") }

// Info is ipsec.info, where start notes what stop needs to take it back: one
// name=value a line, read as data.
func (p Paths) Info() string { return filepath.Join(p.Run, "ipsec.info") }

// SetupPID is the lock of the subsystem as a whole.
func (p Paths) SetupPID() string { return filepath.Join(p.Run, "ipsec_setup.pid") }

// PlutoPID is Pluto's lock file; Pluto holds a flock on it while it lives.
func (p Paths) PlutoPID() string { return filepath.Join(p.Run, "pluto.pid") }

// PlutoCtl is the socket that whack(8) speaks to.
func (p Paths) PlutoCtl() string { return filepath.Join(p.Run, "pluto.ctl") }

// KlipsPID is KLIPS's lock file; KLIPS holds a flock on it while it lives.
func (p Paths) KlipsPID() string { return filepath.Join(p.Run, "klips.pid") }

// KlipsCtl is the PF_KEY socket of KLIPS.
func (p Paths) KlipsCtl() string { return filepath.Join(p.Run, "klips.ctl") }

// KlipsIKE is the socket over which KLIPS hands the non-ESP traffic of UDP
// 4500 to Pluto, and takes Pluto's.
func (p Paths) KlipsIKE() string { return filepath.Join(p.Run, "klips.ike") }

// Kept is the configuration that was started or reloaded last, without its keys, for the superuser alone.
func (p Paths) Kept() string { return filepath.Join(p.Run, "ipsec.kept") }

// Confirmed is the configuration that was confirmed last, while ipsec.conf has changes that were not: with its keys,
// for the superuser alone. What a boot starts is this one. An "include ipsec.d/*.conf" is not meant to find it, and
// instances that share the folder have each their own.
func (p Paths) Confirmed() string {
	name := "confirmed"
	if p.Run != DefaultRun {
		name += strings.ReplaceAll(p.Run, "/", "-")
	}
	return filepath.Join(p.Dir(), name)
}

// ConfirmPID is the lock file of the process that waits for a confirmation.
func (p Paths) ConfirmPID() string { return filepath.Join(p.Run, "confirm.pid") }

// ConfirmCtl is the socket of that process.
func (p Paths) ConfirmCtl() string { return filepath.Join(p.Run, "confirm.ctl") }

// SubsysLock is the lock file by which old init systems know that the
// subsystem is up. It is used where SubsysDir exists and Run is the default.
func (p Paths) SubsysLock() string { return SubsysDir + "/ipsec" }
