package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"ipsec/conf"
	"ipsec/plan/compile"
)

// The checks of the files of this instance.

// secrets looks at ipsec.secrets, whether others can read it and whether all of
// it can be understood.
func (m Machine) secrets() []Finding {
	name := m.SecretsFile.Path
	asks := "Secrets " + name
	var wrong conf.Errors
	switch err := m.SecretsErr; {
	case m.SecretsFile.absent():
		conn := m.automatic(func(c *conf.Conn) bool { return strings.Contains(c.AuthBy, "secret") })
		if conn == nil {
			return single(found(asks, OK, "not there; connections with secrets of their own need it"))
		}
		f := wants(asks, Warning, fmt.Sprintf("not there, and conn %q (%s) has authby=secret", conn.Name, conn.Pos), "make it, with mode 600 and a line such as")
		f.Details = append(f.Details, Detail{Found: `192.0.2.1 192.0.2.2 : PSK "…"`})
		return single(f)
	case m.SecretsFile.Err != nil:
		return single(broken(asks, Warning, m.SecretsFile.Err))
	case othersMay(m.SecretsFile, othersAny):
		return single(wants(asks, Failed, "other users may read or write it", "chmod 600 "+name))
	case errors.Is(err, fs.ErrPermission):
		return single(found(asks, OK, "only the superuser can look into it"))
	case errors.As(err, &wrong) && !errors.Is(err, fs.ErrNotExist) && !m.SecretsRead:
		return single(broken(asks, Failed, wrong))
	case wrong != nil && !errors.Is(err, fs.ErrNotExist):
		return single(broken(asks, Warning, wrong))
	}
	return single(found(asks, OK))
}

// automatic returns the first conn of ipsec.conf that Pluto gets and that is so.
func (m Machine) automatic(so func(*conf.Conn) bool) *conf.Conn {
	if m.Config == nil {
		return nil
	}
	for _, c := range compile.Loaded(m.Config) {
		if !c.PolicyGroup && so(c) {
			return c
		}
	}
	return nil
}

// keyFolder looks at ipsec.d, where certificates and private keys are.
func (m Machine) keyFolder() []Finding {
	asks := "Certificates and keys in " + m.KeyFolder.Path
	switch {
	case m.KeyFolder.absent():
		conn := m.automatic(func(c *conf.Conn) bool { return c.Left.Cert != "" || c.Right.Cert != "" })
		if conn == nil {
			return single(found(asks, OK, "not there; connections with certificates need it"))
		}
		return single(wants(asks, Warning, fmt.Sprintf("not there, and conn %q (%s) has a certificate", conn.Name, conn.Pos),
			"ipsec.d/certs, cacerts, private and crls are looked for there"))
	case othersMay(m.PrivateKeys, othersAny):
		return single(wants(asks, Warning, "other users may look into private", "chmod 700 "+m.PrivateKeys.Path))
	}
	return single(found(asks, OK))
}

// keyFiles looks at the modes of the configuration's files that hold keys.
func (m Machine) keyFiles() []Finding {
	var all []Finding
	for _, f := range m.OpenKeys {
		all = append(all, wants("Keys in "+f.Path, Warning, "other users may read them", "chmod 600 "+f.Path))
	}
	return all
}

func (m Machine) runFolder() []Finding {
	asks := "Run folder " + m.RunFolder.Path
	switch f := m.RunFolder; {
	case f.absent():
		return single(found(asks, OK, "not there; start makes it"))
	case f.Err != nil:
		return single(broken(asks, Failed, f.Err))
	case !f.Mode.IsDir():
		return single(wants(asks, Failed, "expected a folder; it is something else", "move it away"))
	case othersMay(f, othersWrite):
		return single(wants(asks, Failed, "users other than its owner may write there", "chmod 755 "+f.Path))
	case f.Open != nil:
		return single(found(asks, Failed, "start cannot write there: "+f.Open.Error()))
	}
	return single(found(asks, OK))
}
