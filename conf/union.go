package conf

import "strings"

// unionFile is where the conn of a union stands in messages.
const unionFile = "--union"

// UnionName returns the name of the conn that is the union of parts, as
// ipsec manual --union has it.
func UnionName(parts []string) string { return strings.Join(parts, "+") }

// LoadUnion is Load with one more conn at the end: the union of the conns that
// are parts of it, as if it had an also= for each. Its name is UnionName's.
func LoadUnion(paths Paths, parts []string) (*Config, error) {
	var section strings.Builder
	section.WriteString("conn " + UnionName(parts) + "\n")
	for _, part := range parts {
		section.WriteString("\talso=" + part + "\n")
	}
	return load(paths, section.String())
}

// LoadFor returns the configuration that has a conn of that name: Load's, or
// LoadUnion's where the name is that of a union. Where neither has one, it
// returns what Load does.
func LoadFor(paths Paths, name string) (*Config, error) {
	config, err := Load(paths)
	parts := strings.Split(name, "+")
	if err != nil || config.Conn(name) != nil || len(parts) < 2 {
		return config, err
	}
	for _, part := range parts {
		if config.Conn(part) == nil {
			return config, nil
		}
	}
	return LoadUnion(paths, parts)
}
