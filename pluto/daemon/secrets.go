package daemon

import (
	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2"
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
	w.store, warnings = w.store.Reread(sections)
	w.ike.Credentials = w.credentials()
	return warnings
}

func (w *worker) warn(lines []string) {
	for _, line := range lines {
		w.Log(line)
	}
}

// discreet is a store that asks peers for no certificates, nocrsend=yes.
type discreet struct{ *credential.Store }

// CertRequest returns nothing to ask for.
func (discreet) CertRequest(*pluto.Connection) []byte { return nil }

// credentials returns the store, as IKE is to use it.
func (w *worker) credentials() ikev2.Credentials {
	if w.NoCRSend {
		return discreet{w.store}
	}
	return w.store
}
