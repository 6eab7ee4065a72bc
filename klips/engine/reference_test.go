package engine

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"

	"ipsec/klips"
)

// This file has the data path again, plainly: what a packet that is to be cut
// stands for, and the transforms of ESP. Nothing here is shared with the code under test.

// plainSum is the ones' complement sum of RFC 1071.
func plainSum(parts ...[]byte) uint16 {
	all := bytes.Join(parts, nil)
	if len(all)%2 == 1 {
		all = append(all, 0)
	}
	sum := 0
	for i := 0; i < len(all); i += 2 {
		sum += int(all[i])<<8 | int(all[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// plainIP is how long the header of an IP packet without extensions is.
func plainIP(p []byte) (head int, proto byte) {
	if p[0]>>4 == 6 {
		return 40, p[6]
	}
	return int(p[0]&15) * 4, p[9]
}

func plainPseudo(p []byte, proto byte, length int) []byte {
	addrs := p[12:20]
	if p[0]>>4 == 6 {
		addrs = p[8:40]
	}
	return append(bytes.Clone(addrs), 0, proto, byte(length>>8), byte(length))
}

// plainFix writes lengths and checksums into a packet.
func plainFix(p []byte) []byte {
	ip, proto := plainIP(p)
	if p[0]>>4 == 6 {
		binary.BigEndian.PutUint16(p[4:], uint16(len(p)-40))
	} else {
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		p[10], p[11] = 0, 0
		binary.BigEndian.PutUint16(p[10:], ^plainSum(p[:ip]))
	}
	at := map[byte]int{6: 16, 17: 6}[proto]
	if at == 0 {
		return p
	}
	upper := p[ip:]
	if proto == 17 {
		binary.BigEndian.PutUint16(upper[4:], uint16(len(upper)))
	}
	upper[at], upper[at+1] = 0, 0
	sum := ^plainSum(plainPseudo(p, proto, len(upper)), upper)
	if sum == 0 && proto == 17 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(upper[at:], sum)
	return p
}

// plainGood reports whether the checksums of a packet are right.
func plainGood(p []byte) bool { return bytes.Equal(p, plainFix(bytes.Clone(p))) }

// plainCut is what a packet stands for that is to be cut into pieces of size bytes.
func plainCut(p []byte, size int) (list [][]byte) {
	ip, proto := plainIP(p)
	head := ip + 8
	if proto == 6 {
		head = ip + int(p[ip+12]>>4)*4
	}
	for at := head; at < len(p); at += size {
		end := min(at+size, len(p))
		q := append(bytes.Clone(p[:head]), p[at:end]...)
		if p[0]>>4 == 4 {
			binary.BigEndian.PutUint16(q[4:], binary.BigEndian.Uint16(p[4:])+uint16(len(list)))
		}
		if proto == 6 {
			binary.BigEndian.PutUint32(q[ip+4:], binary.BigEndian.Uint32(p[ip+4:])+uint32(at-head))
			if at > head {
				q[ip+13] &^= 0x80 // CWR
			}
			if end < len(p) {
				q[ip+13] &^= 0x09 // PSH, FIN
			}
		}
		list = append(list, plainFix(q))
	}
	return list
}

// plainOpen opens an ESP packet of an SA.
func plainOpen(sa *klips.SA, p []byte) (payload []byte, next byte, err error) {
	iv, sealed := p[8:16], p[16:]
	var plain []byte
	switch sa.Enc {
	case "aesgcm16", "chacha20poly1305":
		n := len(sa.EncKey) - 4
		var aead cipher.AEAD
		if sa.Enc == "aesgcm16" {
			block, _ := aes.NewCipher(sa.EncKey[:n])
			aead, _ = cipher.NewGCM(block)
		} else {
			aead, _ = chacha20poly1305.New(sa.EncKey[:n])
		}
		aad := p[:8]
		if sa.ESN {
			aad = append(append(bytes.Clone(p[:4]), 0, 0, 0, 0), p[4:8]...)
		}
		plain, err = aead.Open(nil, append(bytes.Clone(sa.EncKey[n:]), iv...), sealed, aad)
	case "aes":
		mac := hmac.New(sha256.New, sa.AuthKey)
		mac.Write(p[:len(p)-16])
		if !hmac.Equal(mac.Sum(nil)[:16], p[len(p)-16:]) {
			return nil, 0, errors.New("wrong MAC")
		}
		block, _ := aes.NewCipher(sa.EncKey)
		plain = bytes.Clone(p[24 : len(p)-16])
		cipher.NewCBCDecrypter(block, p[8:24]).CryptBlocks(plain, plain)
	}
	if err != nil {
		return nil, 0, err
	}
	n := len(plain)
	return plain[:n-2-int(plain[n-2])], plain[n-1], nil
}
