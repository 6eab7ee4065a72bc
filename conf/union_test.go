package conf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnion(t *testing.T) {
	dir := t.TempDir()
	paths := Paths{Confs: dir, Conf: filepath.Join(dir, "ipsec.conf")}
	text := "version 2.0\nconn ends\n\tleft=192.0.2.1\n\tright=192.0.2.2\nconn keys\n\tspi=0x200\n\tah=hmac-md5-96\n\tahkey=0x" + strings.Repeat("00", 16) + "\n"
	if err := os.WriteFile(paths.Conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plain, err := Load(paths)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ends+keys", "keys+ends"} {
		config, err := LoadFor(paths, name)
		if err != nil {
			t.Fatal(err)
		}
		conn := config.Conn(name)
		if conn == nil {
			t.Fatalf("there is no conn %s", name)
		}
		if conn.Left.Host.Addr.String() != "192.0.2.1" || conn.SPI != 0x200 || !conn.AHKey.IsSet() {
			t.Errorf("%s is %+v", name, conn)
		}
		if config.Digest != plain.Digest || len(config.Files) != 1 {
			t.Errorf("%s: digest %s of %v, want that of the file, %s", name, config.Digest, config.Files, plain.Digest)
		}
	}
	for _, name := range []string{"ends", "none", "ends+none", "+"} {
		config, err := LoadFor(paths, name)
		if err != nil || len(config.Conns) != len(plain.Conns) {
			t.Errorf("%s: %d conns and %v, want those of the file alone", name, len(config.Conns), err)
		}
	}
	if _, err := LoadUnion(paths, []string{"ends", "none"}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("an unknown part: error is %v", err)
	}
}
