package records

import (
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// field is one part of a record's data for the syntaxes that have words for them.
type field struct {
	octo    string // its key in OctoDNS; empty where the value is the whole
	text    string // the value, where it is a text
	number  int    // the value, where it is none
	numeric bool
	control bool // an argument of DNSControl
	escape  bool // OctoDNS wants semicolons escaped
}

func (f field) js() string {
	if f.numeric {
		return strconv.Itoa(f.number)
	}
	return quoted(f.text)
}

func (f field) yaml() string {
	if f.escape {
		return quoted(strings.ReplaceAll(f.text, ";", `\;`))
	}
	return f.js()
}

func word(octo, text string) field { return field{octo: octo, text: text, control: true} }

func number[T ~uint8 | ~uint16 | ~int](octo string, n T) field {
	return field{octo: octo, number: int(n), numeric: true, control: true}
}

// fieldsOf are the data of a record in the order in which DNSControl takes them; nil for a type
// that nothing here asks for.
func fieldsOf(r Record) []field {
	switch rr := r.rr.(type) {
	case *dns.TLSA:
		return []field{number("certificate_usage", rr.Usage), number("selector", rr.Selector), number("matching_type", rr.MatchingType),
			word("certificate_association_data", strings.ToLower(rr.Certificate))}
	case *dns.TXT:
		f := word("", strings.Join(rr.Txt, ""))
		f.escape = true
		return []field{f}
	case *dns.MX:
		return []field{number("preference", rr.Preference), word("exchange", rr.Mx)}
	case *dns.CAA:
		flags := number("flags", rr.Flag)
		flags.control = false // DNSControl takes the one flag that there is by a word
		return []field{flags, word("tag", rr.Tag), word("value", rr.Value)}
	case *dns.DS:
		return []field{number("key_tag", rr.KeyTag), number("algorithm", rr.Algorithm), number("digest_type", rr.DigestType), word("digest", strings.ToLower(rr.Digest))}
	case *dns.A:
		return []field{word("", rr.A.String())}
	case *dns.AAAA:
		return []field{word("", rr.AAAA.String())}
	case *dns.CNAME:
		return []field{word("", rr.Target)}
	case *dns.NS:
		return []field{word("", rr.Ns)}
	}
	return nil
}
