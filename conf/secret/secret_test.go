package secret_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"ipsec/conf/secret"
)

func TestDecode(t *testing.T) {
	for in, want := range map[string]string{
		"0x0123": "0123", "0xDEAD_beef": "deadbeef", "0sAAEC": "000102", "0sAAE=": "0001", "0tab c": "61622063",
		"": "", "0": "", "0x": "", "0x1": "", "0x_12": "", "0x12_": "", "0x1__2": "", "0xgg": "", "0X12": "",
		"0s": "", "0sAAE": "", "0sAAF=": "", "0s====": "", "0t": "", "1234": "",
	} {
		got, err := secret.New(in).Decode()
		if hex.EncodeToString(got) != want || (err != nil) != (want == "") {
			t.Errorf("%q.Decode() = %x, %v; want %s", in, got, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "0", "0x", "0x1", "0x12", "0x1_2", "0x_12", "0xZZ", "0sAAEC", "0sAAE", "0tkey", "0t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := secret.New(text).Decode()
		if (err == nil) != (len(key) > 0) {
			t.Fatalf("key of %d bytes with error %v", len(key), err)
		}
		if err != nil && len(text) > 4 && strings.Contains(err.Error(), text) {
			t.Fatalf("the error shows the key: %v", err)
		}
	})
}
