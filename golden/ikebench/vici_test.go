package ikebench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"ipsec/golden/lab"
)

// A vici is a connection to charon's control socket, by the protocol that is
// described in its README.md: so that charon is asked to initiate as cheaply as
// it can be.
type vici struct{ conn net.Conn }

func dialVici(m *lab.Machine) (*vici, error) {
	v := &vici{}
	err := m.Do(func() (err error) {
		v.conn, err = net.Dial("unix", "/var/run/charon.vici")
		return err
	})
	return v, err
}

// initiate has charon bring a child up, and does not wait for that.
func (v *vici) initiate(child string) error {
	const request, response, keyValue, name = 0, 1, 3, "initiate"
	m := append([]byte{request, byte(len(name))}, name...)
	for _, pair := range [][2]string{{"child", child}, {"ike", child}, {"timeout", "-1"}, {"init-limits", "no"}} {
		m = append(append(m, keyValue, byte(len(pair[0]))), pair[0]...)
		m = append(binary.BigEndian.AppendUint16(m, uint16(len(pair[1]))), pair[1]...)
	}
	if _, err := v.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(m))), m...)); err != nil {
		return err
	}
	var size [4]byte
	if _, err := io.ReadFull(v.conn, size[:]); err != nil {
		return err
	}
	answer := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(v.conn, answer); err != nil {
		return err
	}
	if answer[0] != response || !bytes.Contains(answer, []byte("\x07success\x00\x03yes")) {
		return fmt.Errorf("charon answers %q", answer)
	}
	return nil
}
