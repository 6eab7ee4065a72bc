package daemon

import (
	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/whack/cmdline"
)

// load reads all keys and certificates of this host.
func (w *worker) load() *credential.Store {
	policies := map[string]credential.StrictCRL{"yes": credential.CRLRequired, "ifuri": credential.CRLIfURI}
	source := credential.Source{Folder: w.Dir, Secrets: w.Secrets, Strict: policies[w.StrictCRL]}
	store, warnings := source.Load()
	w.warn(warnings)
	return store
}

// reread reads some of them again, and returns what is wrong with them. What is
// under way goes on with the old ones.
func (w *worker) reread(what cmdline.Reread) (warnings []string) {
	sections := credential.Section(0)
	for _, s := range []struct {
		asked   cmdline.Reread
		section credential.Section
	}{
		{cmdline.RereadSecrets, credential.RereadSecrets | credential.RereadCerts},
		{cmdline.RereadCACerts, credential.RereadCACerts},
		{cmdline.RereadAACerts, credential.RereadAACerts},
		{cmdline.RereadCRLs, credential.RereadCRLs},
	} {
		if what&s.asked != 0 {
			sections |= s.section
		}
	}
	w.store.Store, warnings = w.store.Reread(sections)
	return warnings
}

func (w *worker) warn(lines []string) {
	for _, line := range lines {
		w.Log(line)
	}
}

// credentials is what all versions of IKE know of keys and certificates. Rereading puts another store in
// place of the one that there is.
type credentials struct {
	*credential.Store
	nocrsend bool // peers are asked for no certificates
}

// CertRequest returns what to ask a peer for.
func (c *credentials) CertRequest(conn *pluto.Connection) []byte {
	if c.nocrsend {
		return nil
	}
	return c.Store.CertRequest(conn)
}
