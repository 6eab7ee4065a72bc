package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"

	"ipsec/conf"
	"ipsec/conf/info"
)

// where adds to what Pluto answers where the keywords stand that it tells a person to look at:
// "; see ike=" becomes "; see ike= (/etc/ipsec.conf:12)". Pluto itself knows no line: those of
// ipsec.conf move while it runs. The configuration is read when the first such line comes.
type where struct {
	io.Writer
	load   func() (*conf.Config, error)
	config *conf.Config
}

// where returns a writer to Stdout that adds places. They are those of --config FILE, or of the
// configuration that was started.
func (e *env) where(config string) *where {
	return &where{Writer: e.Stdout, load: func() (*conf.Config, error) {
		paths := e.Paths
		if config == "" {
			lines, _, err := info.Read(paths.Info())
			if err != nil {
				return nil, err
			}
			for _, line := range lines {
				l, _ := info.Parse(line)
				if name, ok := l.(info.Config); ok {
					paths.Conf = string(name)
				}
			}
		}
		return conf.Load(paths)
	}}
}

// seen matches a line of Pluto about a connection that ends in keywords to look at.
var seen = regexp.MustCompile(`^\d+ "([^"]+)".*; see ([a-z0-9_-]+=(?: and [a-z0-9_-]+=)*)$`)

// Write takes a line.
func (w *where) Write(line []byte) (int, error) {
	text := string(bytes.TrimSuffix(line, []byte("\n")))
	m := seen.FindStringSubmatch(text)
	if m == nil {
		return w.Writer.Write(line)
	}
	if _, err := io.WriteString(w.Writer, strings.TrimSuffix(text, m[2])+w.places(m[1], m[2])+"\n"); err != nil {
		return 0, err
	}
	return len(line), nil
}

// places returns keywords with their places in the conn of that name, or with the place of
// the conn where it gives none of them.
func (w *where) places(name, keywords string) string {
	conn := w.conn(name)
	if conn == nil {
		return keywords
	}
	list := strings.Split(keywords, " and ")
	found := false
	for i, keyword := range list {
		if at := conn.At(strings.TrimSuffix(keyword, "=")); !at.IsZero() {
			list[i] += " (" + at.String() + ")"
			found = true
		}
	}
	text := strings.Join(list, " and ")
	if !found {
		text += " of " + conn.Pos.String()
	}
	return text
}

// conn returns the conn that Pluto's connection of that name, NAME or NAME/1x2, was made of; nil
// where the configuration has none, or cannot be read.
func (w *where) conn(name string) *conf.Conn {
	if w.config == nil {
		w.config, _ = w.load()
	}
	if w.config == nil {
		return nil
	}
	if conn := w.config.Conn(name); conn != nil {
		return conn
	}
	base, _, _ := strings.Cut(name, "/")
	return w.config.Conn(base)
}
