package credential

import (
	"slices"
	"strings"
	"time"

	"ipsec/pluto"
)

// Check says, one line each, why the proofs of a conn, which need not be oriented, will
// fail or are weak as things stand. It is for when a conn is loaded: keys and certificates may still
// come, and proofs say the same again.
func (s *Store) Check(conn *pluto.Connection, now time.Time) []string {
	if !slices.ContainsFunc(conn.AuthBy, pluto.AuthMethod.PublicKey) {
		return nil
	}
	var lines []string
	for _, end := range []pluto.End{conn.Local, conn.Remote} {
		keys, err := parseKeys(end.PublicKeys)
		if err != nil {
			lines = append(lines, err.Error())
		}
		for _, key := range keys {
			if err := CheckKey(key); err != nil {
				lines = append(lines, "raw public key: it is "+err.Error())
			} else if weak := Weakness(key); weak != "" {
				lines = append(lines, "raw public key: it is "+weak)
			}
		}
		if end.Cert != "" {
			lines = append(lines, s.checkCert(end, now)...)
		}
		if end.CA != "" && !strings.HasPrefix(end.CA, "%") {
			if _, err := parseCA(end.CA); err != nil {
				lines = append(lines, err.Error())
			}
		}
	}
	return lines
}

func (s *Store) checkCert(end pluto.End, now time.Time) []string {
	chain, err := s.certFile(end.Cert)
	if err != nil {
		return []string{err.Error()}
	}
	leaf := chain[0].Certificate
	var lines []string
	if err := CheckKey(leaf.PublicKey); err != nil {
		lines = append(lines, chain[0].Source+": the certificate has "+err.Error())
	} else if weak := Weakness(leaf.PublicKey); weak != "" {
		lines = append(lines, chain[0].Source+": the certificate has "+weak)
	}
	if err := dated(leaf, now); err != nil {
		lines = append(lines, chain[0].Source+": "+err.Error())
	}
	if end.ID.OnWire() && !end.ID.IsPattern() {
		if err := speaksFor(leaf, end.ID); err != nil {
			lines = append(lines, chain[0].Source+": "+err.Error())
		}
	}
	return lines
}
