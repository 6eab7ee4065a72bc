package conf

import (
	"crypto"
	"strings"

	"ipsec/conf/identity"
	"ipsec/conf/keyword"
	"ipsec/conf/rawkey"
)

// setIdentity takes an identity in every form, and stores it as written.
func setIdentity(field func(target) *string) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		if _, err := identity.Parse(value); err != nil {
			return &valueError{text: value, want: identityForms, known: []string{"%any", "%fromcert", "%myid", "%none", "%null"}}
		}
		*field(t) = value
		return nil
	}
}

// identityForms are the forms of an identity, for a message.
const identityForms = "an address, @NAME, USER@NAME, @#HEX, a DN such as C=US, O=Example, CN=x, %fromcert or %myid"

// setPublicKey takes a public key of any kind, and stores it in its normal
// form.
func setPublicKey(field func(target) *string) setter {
	return setKey(field, rawkey.Parse)
}

// setECDSAKey takes a public ECDSA key, and stores it in the normal form of
// any key.
func setECDSAKey(field func(target) *string) setter {
	return setKey(field, func(text string) (crypto.PublicKey, error) { return rawkey.ParseECDSA(text) })
}

func setKey(field func(target) *string, parse func(string) (crypto.PublicKey, error)) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		key, err := parse(strings.TrimPrefix(value, "dns:")) // strongSwan's word for the form of RFC 3110
		if err != nil {
			what := strings.TrimPrefix(err.Error(), "malformed public key: ")
			want, ok := strings.CutPrefix(what, "expected ")
			if !ok {
				want = "a public key, and " + what
			}
			return &valueError{text: value, want: want}
		}
		text, err := rawkey.Format(key)
		if err != nil {
			return &valueError{text: value, want: rawkey.ErrForm.Error()}
		}
		*field(t) = text
		return nil
	}
}
