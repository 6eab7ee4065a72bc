package ikev2

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// cookieSecrets makes and checks the cookies by which an initiator shows that it is
// at its address before anything is kept or computed for it (RFC 7296, section
// 2.6). They are good for one to two terms.
type cookieSecrets struct {
	secrets [2][32]byte // the one in use and the one before it
	version uint32
	since   time.Time
}

const cookieTerm = time.Minute

// turn draws a new secret when the one in use is old.
func (m *Machine) turnCookies() {
	j := &m.cookies
	if !j.since.IsZero() && m.now.Sub(j.since) < cookieTerm {
		return
	}
	if m.now.Sub(j.since) < 2*cookieTerm {
		j.secrets[1] = j.secrets[0]
	} else {
		m.random(j.secrets[1][:])
	}
	m.random(j.secrets[0][:])
	j.version++
	j.since = m.now
}

func (j *cookieSecrets) compute(version uint32, d pluto.Datagram, spi message.SPI, nonce []byte) []byte {
	secret := &j.secrets[(j.version-version)&1]
	mac := hmac.New(sha256.New, secret[:])
	mac.Write(d.Remote.Addr().AsSlice())
	_ = binary.Write(mac, binary.BigEndian, d.Remote.Port())
	mac.Write(spi[:])
	mac.Write(nonce)
	return mac.Sum(binary.BigEndian.AppendUint32(nil, version))
}

// cookieFor returns the cookie that the initiator must send back.
func (m *Machine) cookieFor(d pluto.Datagram, spi message.SPI, nonce []byte) []byte {
	m.turnCookies()
	return m.cookies.compute(m.cookies.version, d, spi, nonce)
}

// goodCookie checks one that has come back.
func (m *Machine) goodCookie(cookie []byte, d pluto.Datagram, spi message.SPI, nonce []byte) bool {
	m.turnCookies()
	if len(cookie) != 4+sha256.Size {
		return false
	}
	version := binary.BigEndian.Uint32(cookie)
	if m.cookies.version-version > 1 {
		return false
	}
	return hmac.Equal(cookie, m.cookies.compute(version, d, spi, nonce))
}
