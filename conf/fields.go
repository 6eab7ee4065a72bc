package conf

import (
	"strings"
	"sync"

	"ipsec/conf/keyword"
	"ipsec/conf/secret"
)

// binding is what a keyword of the table does to a configuration.
type binding struct {
	set    setter                    // nil where it has no field
	secret func(target) *secret.Text // where a key is kept
}

// bindings returns those of all keywords, by their rows.
var bindings = sync.OnceValue(func() []binding {
	fields := map[keyword.Section]map[string]setter{
		keyword.SectionSetup: setupFields(), keyword.SectionConn: connFields(), keyword.SectionEnd: endFields(),
	}
	secrets := secretFields()
	rows := keyword.Get().Rows()
	list := make([]binding, len(rows))
	for i, k := range rows {
		list[i].set = fields[k.Section][k.Name]
		if field := secrets[k.Name]; field != nil {
			list[i] = binding{setSecret(field), field}
		}
	}
	return list
})

func boundTo(k *keyword.Keyword) binding { return bindings()[k.Row()] }

// setSecret takes a key.
func setSecret(field func(target) *secret.Text) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		key := secret.New(value)
		if _, err := key.Decode(); err != nil {
			return &valueError{want: strings.TrimPrefix(err.Error(), "expected ")}
		}
		*field(t) = key
		return nil
	}
}
