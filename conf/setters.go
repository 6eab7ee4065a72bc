package conf

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ipsec/conf/keyword"
)

// target is where a setter puts a value: one of setup, conn and end.
type target struct {
	setup *Setup
	conn  *Conn
	end   *End
	pos   Pos
	warn  func(text string) // a remark on a value that is right
}

// setter reads value and puts it into its field. It changes nothing when it
// returns an error.
type setter func(k *keyword.Keyword, t target, value string) *valueError

// valueError says what is wrong with a value.
type valueError struct {
	offset int    // of text in the value
	text   string // what is wrong; "" for a key, which is never shown
	want   string
	known  []string // what text may be
}

func (e *valueError) message(p *param) string {
	if p.word.Type == keyword.TypeSecret || e.text == "" {
		return fmt.Sprintf("malformed %s: expected %s", p.spelling(), e.want)
	}
	return fmt.Sprintf("malformed %s %s: expected %s%s", p.spelling(), quote(e.text), e.want, suggest(e.text, e.known))
}

func setString(field func(target) *string) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		*field(t) = value
		return nil
	}
}

func setBool(field func(target) *bool) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		yes, ok := keyword.Truth(value)
		if !ok {
			return &valueError{text: value, want: "yes or no", known: []string{"yes", "no"}}
		}
		*field(t) = yes
		return nil
	}
}

// setTruth is setBool with further words that mean yes or no.
func setTruth(yes, no string, field func(target) *bool) setter {
	k := keyword.OfWords("yes|true|on|1|y|" + yes + " no|false|off|0|n|" + no)
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		name, ok := k.Choose(value)
		if !ok {
			return &valueError{text: value, want: "yes, no, " + oneOf(strings.Split(yes+"|"+no, "|")), known: k.Spellings()}
		}
		*field(t) = name == "yes"
		return nil
	}
}

func setInt(low, high int, field func(target) *int) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			return &valueError{text: value, want: fmt.Sprintf("a number from %d to %d", low, high)}
		}
		*field(t) = n
		return nil
	}
}

func setPercent(field func(target) *int) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		n, err := strconv.Atoi(strings.TrimSuffix(value, "%"))
		if err != nil || n < 0 || n > 100000 {
			return &valueError{text: value, want: "a percentage such as 100%"}
		}
		*field(t) = n
		return nil
	}
}

// setTries takes a number of tries, where %forever is 0.
func setTries(field func(target) *int) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		n, err := strconv.Atoi(value)
		if value == "%forever" {
			n, err = 0, nil
		}
		if err != nil || n < 0 || n > math.MaxInt32 {
			return &valueError{text: value, want: "a number, or %forever", known: []string{"%forever"}}
		}
		*field(t) = n
		return nil
	}
}

// setDuration takes a number, with a decimal fraction or not, of seconds, or
// of what s, m, h or d after it says.
func setDuration(field func(target) *int) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		seconds, ok := parseDuration(value)
		if !ok {
			return &valueError{text: value, want: string(keyword.TypeDuration)}
		}
		*field(t) = seconds
		return nil
	}
}

func parseDuration(value string) (seconds int, ok bool) {
	if value == "" {
		return 0, false
	}
	number, unit := value, 1.0
	if u := strings.IndexByte("smhd", value[len(value)-1]|0x20); u >= 0 {
		number, unit = value[:len(value)-1], [...]float64{1, 60, 3600, 86400}[u]
	}
	if number == "" || strings.Trim(number, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n*unit > math.MaxInt32 {
		return 0, false
	}
	return int(math.Round(n * unit)), true
}

// setEnum takes one of the words of the keyword, and stores its normal
// spelling.
func setEnum[T ~string](field func(target) *T) setter {
	return func(k *keyword.Keyword, t target, value string) *valueError {
		name, ok := k.Choose(value)
		if !ok {
			return &valueError{text: value, want: oneOf(k.Values), known: k.Spellings()}
		}
		*field(t) = T(name)
		return nil
	}
}

// setFlags takes words of the keyword, separated by blanks or commas. The word
// none stands for an empty list.
func setFlags(field func(target) *[]string) setter {
	return func(k *keyword.Keyword, t target, value string) *valueError {
		var list []string
		for _, f := range fields(value) {
			name, ok := k.Choose(f.text)
			if !ok {
				return &valueError{offset: f.offset, text: f.text, want: oneOf(k.Values), known: k.Spellings()}
			}
			if name != "none" {
				list = append(list, name)
			}
		}
		*field(t) = list
		return nil
	}
}

// setWords takes words separated by blanks.
func setWords(field func(target) *[]string) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		*field(t) = blankFields(value)
		return nil
	}
}

// setAlternatives takes words of the keyword, separated by | or commas, and
// stores their normal spellings in the order of the table, joined by |.
func setAlternatives(field func(target) *string) setter {
	return func(k *keyword.Keyword, t target, value string) *valueError {
		given := make(map[string]bool)
		offset := 0
		for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == '|' || r == ',' }) {
			at := offset + strings.Index(value[offset:], word)
			offset = at + len(word)
			name, ok := k.Choose(strings.TrimSpace(word))
			if !ok {
				return &valueError{offset: at, text: word, want: oneOf(k.Values), known: k.Spellings()}
			}
			given[name] = true
		}
		var list []string
		for _, name := range k.Values {
			if given[name] {
				list = append(list, name)
			}
		}
		if len(list) == 0 {
			return &valueError{text: value, want: oneOf(k.Values)}
		}
		*field(t) = strings.Join(list, "|")
		return nil
	}
}

// setAuth takes a word of leftauth=. What strongSwan writes behind it, sizes of
// keys and hashes, is left: rsa-2048-sha256 is rsa.
func setAuth(k *keyword.Keyword, t target, value string) *valueError {
	name, ok := k.Choose(value)
	if !ok {
		word, _, _ := strings.Cut(value, "-")
		name, ok = k.Choose(word)
	}
	if !ok {
		return &valueError{text: value, want: oneOf(k.Values), known: k.Spellings()}
	}
	t.end.Auth = name
	return nil
}

// field is a word of a list and where it stands in it.
type field struct {
	text   string
	offset int
}

// fields splits a list at blanks and commas; braces around it are dropped.
func fields(value string) []field {
	var list []field
	start := -1
	for i := 0; i <= len(value); i++ {
		if i < len(value) && !strings.ContainsRune(" \t,{}", rune(value[i])) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			list = append(list, field{value[start:i], start})
			start = -1
		}
	}
	return list
}
