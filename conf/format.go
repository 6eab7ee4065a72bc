package conf

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"ipsec/conf/keyword"
)

// WriteTo writes the configuration as one ipsec.conf without include, also or
// %default. Parsing that gives the same Config, but for the places. It holds
// the keys as they are; what a person or a log gets is WriteRedacted's.
//
// It fails when w fails, or when a value set by hand cannot be written.
func (c *Config) WriteTo(w io.Writer) (int64, error) { return c.write(w, true) }

// WriteRedacted is WriteTo with [secret] in place of every key.
func (c *Config) WriteRedacted(w io.Writer) error {
	_, err := c.write(w, false)
	return err
}

func (c *Config) write(w io.Writer, secrets bool) (int64, error) {
	f := formatter{table: keyword.Get(), secrets: secrets}
	f.WriteString("version 2.0\n\nconfig setup\n")
	f.params("config", &c.Setup.Params, nil)
	for _, conn := range c.Conns {
		params := conn.Params
		if conn.PolicyGroup {
			// Only what the file says about it; the rest comes by itself.
			params = Params{}
			for _, p := range conn.List {
				if !p.Pos.IsZero() {
					params.List = append(params.List, p)
				}
			}
			if len(params.List) == 0 {
				continue
			}
		}
		if !isName(conn.Name) {
			return 0, fmt.Errorf("malformed name %s of a conn", quote(conn.Name))
		}
		fmt.Fprintf(&f, "\nconn %s\n", conn.Name)
		f.params("conn", &params, conn)
	}
	if f.err != nil {
		return 0, f.err
	}
	return f.Buffer.WriteTo(w)
}

type formatter struct {
	bytes.Buffer
	table   *keyword.Table
	secrets bool
	err     error
}

func (f *formatter) params(kind string, params *Params, conn *Conn) {
	for _, p := range params.List {
		value := p.Value
		k, side, ok := f.table.Find(kind, p.Keyword)
		if ok && boundTo(k).secret != nil && conn != nil {
			value = redacted
			if f.secrets {
				value = boundTo(k).secret(target{conn: conn, end: conn.End(side)}).Reveal()
			}
		}
		if i, _ := badByte(value, false); i >= 0 || strings.Contains(value, `"`) || !isKeyword(p.Keyword) {
			if f.err == nil {
				f.err = fmt.Errorf("failed to write %s: the value cannot stand in a file", quote(p.Keyword))
			}
			return
		}
		if value == "" || strings.ContainsAny(value, " #{}") {
			value = `"` + value + `"`
		}
		fmt.Fprintf(f, "\t%s=%s\n", p.Keyword, value)
	}
}
