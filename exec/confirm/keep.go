// Package confirm holds the way back of a change that nobody has confirmed yet: the configuration that ran before, and
// a process that goes back to it unless a confirmation comes in time.
//
// Three files say how things stand. The run folder has the configuration that was started or reloaded last (Keep) and
// the lock of the process (Arm); ipsec.d has the configuration that was confirmed last, from the moment that a
// change waits until it is confirmed, also over a reboot.
package confirm

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"ipsec/conf"
	"ipsec/conf/textfile"
)

// redacted stands in place of a key, as conf.WriteRedacted has it. In the file of Keep a seal comes after it.
const redacted = "[secret]"

// maxKept bounds the file of Keep, in bytes.
const maxKept = 64 << 20

// Keep is like 'ipsec _keep PATH': it writes a configuration, without its keys, to a file for root alone. Where it
// fails, no older configuration stays there either, to which nobody wants to go back.
func Keep(path string, config *conf.Config) error {
	text, err := withSeals(config)
	if err == nil {
		err = write(path, []byte(text), false)
	}
	if err != nil {
		return fmt.Errorf("failed to keep the configuration: %w", errors.Join(err, remove(path)))
	}
	return nil
}

// withSeals returns a configuration that has in place of each key what tells whether another is the same.
func withSeals(config *conf.Config) (string, error) {
	var text bytes.Buffer
	if err := config.WriteRedacted(&text); err != nil {
		return "", err
	}
	keys, err := keysOf(config)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	eachLine(text.String(), func(conn, keyword, line string) {
		if strings.HasSuffix(line, "="+redacted) {
			line += " " + seal(conn, keyword, keys[[2]string{conn, keyword}])
		}
		b.WriteString(line + "\n")
	})
	return b.String(), nil
}

// seal returns what stands for a line with a key: by it nobody finds the key, which is as long as its cipher wants.
func seal(conn, keyword, line string) string {
	mac := hmac.New(sha256.New, []byte(conn+"\x00"+keyword))
	mac.Write([]byte(line))
	return hex.EncodeToString(mac.Sum(nil))
}

// keysOf returns the lines of a configuration as a file has them, by conn and keyword.
func keysOf(config *conf.Config) (map[[2]string]string, error) {
	var full bytes.Buffer
	if _, err := config.WriteTo(&full); err != nil {
		return nil, err
	}
	keys := make(map[[2]string]string)
	eachLine(full.String(), func(conn, keyword, line string) { keys[[2]string{conn, keyword}] = line })
	return keys, nil
}

// write puts text into a file for root alone, which is there as a whole or not at all; with lasting, also after a
// power cut.
func write(path string, text []byte, lasting bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".") // mode 0600
	if err != nil {
		return fmt.Errorf("failed to write %s: %w", path, err)
	}
	_, err = f.Write(text)
	if err == nil && lasting {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("failed to write %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	if !lasting {
		return nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// before writes the configuration that runs to where the next boot finds it: as it was kept, with the keys of now,
// which are the same, for else there is no way back. It is false where nothing runs.
func before(paths conf.Paths, now *conf.Config) (ran bool, err error) {
	if _, err := os.Lstat(paths.SetupPID()); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	kept, _, err := textfile.Read(paths.Kept(), maxKept)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf(`there is no way back: the configuration that runs is not kept in %s; "ipsec setup reload" without --confirm keeps it`, paths.Kept())
	}
	if err != nil {
		return false, fmt.Errorf("failed to read what runs: %w", err)
	}
	text, err := withKeys(string(kept), now)
	if err != nil {
		return false, err
	}
	if err := os.Mkdir(paths.Dir(), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	return true, write(paths.Confirmed(), []byte(text), true)
}

// withKeys puts the keys of now into what Keep has written.
func withKeys(kept string, now *conf.Config) (string, error) {
	if !strings.Contains(kept, redacted) {
		return kept, nil
	}
	keys, err := keysOf(now)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var missing error
	eachLine(kept, func(conn, keyword, line string) {
		if _, sealed, ok := strings.Cut(line, "="+redacted); ok {
			own := keys[[2]string{conn, keyword}]
			if !hmac.Equal([]byte(strings.TrimSpace(sealed)), []byte(seal(conn, keyword, own))) {
				missing = fmt.Errorf("there is no way back: %s of conn %q, as it runs, is kept nowhere, and the file does not have it any more", keyword, conn)
			}
			line = own
		}
		b.WriteString(line + "\n")
	})
	return b.String(), missing
}

// eachLine calls do with each line of a configuration that conf has written, the section that it is in, and its
// keyword.
func eachLine(text string, do func(section, keyword, line string)) {
	section := ""
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if name, ok := strings.CutPrefix(line, "conn "); ok {
			section = name
		}
		keyword, _, _ := strings.Cut(strings.TrimSpace(line), "=")
		do(section, keyword, line)
	}
}

// Unconfirmed reports whether ipsec.conf has changes that were never confirmed: a change waits, or has been taken
// back.
func Unconfirmed(paths conf.Paths) bool {
	var st unix.Stat_t
	return unix.Lstat(paths.Confirmed(), &st) == nil
}
