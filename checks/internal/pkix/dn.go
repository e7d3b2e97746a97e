package pkix

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"mxseal/checks/report"
)

// maxText bounds a text, in octets.
const maxText = 300

// Name is a distinguished name: to be read by people, and to be compared.
type Name struct {
	Text       string
	CommonName string
	Mails      []string // the emailAddress attributes
	raw        []byte
	canon      string   // as OpenSSL compares: without regard to case, blanks and kind of string
	parts      []string // the same by relative name, for nameConstraints
}

const maxAttributes = 64

// mailAttribute is emailAddress (PKCS #9).
const mailAttribute = "1.2.840.113549.1.9.1"

func readName(e element) Name {
	n := Name{raw: e.raw}
	var all pkix.RDNSequence
	count := 0
	for r := inside(e); r.more(); {
		var set pkix.RelativeDistinguishedNameSET
		var part strings.Builder
		for rdn := inside(r.any()); rdn.more() && count < maxAttributes; count++ {
			attribute := inside(rdn.any())
			kind, value := attribute.any(), attribute.any()
			var id asn1.ObjectIdentifier
			asn1.Unmarshal(kind.raw, &id)
			text := value.text()
			set = append(set, pkix.AttributeTypeAndValue{Type: id, Value: text})
			part.Write(kind.raw)
			if comparable(value.tag) {
				part.WriteString("=" + folded(text))
			} else {
				part.Write(value.raw)
			}
			part.WriteByte(0)
			if id.String() == mailAttribute {
				n.Mails = append(n.Mails, text)
			}
		}
		all = append(all, set)
		n.parts = append(n.parts, part.String())
	}
	n.canon = strings.Join(n.parts, "\x01")
	var named pkix.Name
	named.FillFromRDNSequence(&all)
	n.Text, n.CommonName = report.Clean(named.String(), maxText), named.CommonName
	return n
}

// comparable reports whether a kind of string is compared by its characters.
func comparable(tag byte) bool {
	switch tag {
	case tagUTF8, tagPrintable, tagT61, tagIA5, tagVisible, tagUniversal, tagBMP:
		return true
	}
	return false
}

// folded takes case and superfluous blanks out of a string.
func folded(s string) string {
	lower := []byte(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }), " "))
	for i, b := range lower {
		if 'A' <= b && b <= 'Z' {
			lower[i] = b + 'a' - 'A'
		}
	}
	return string(lower)
}

// text reads a string of any kind; the characters are not checked against the kind.
func (e element) text() string {
	switch {
	case e.tag == tagBMP && len(e.body)%2 == 0:
		units := make([]uint16, 0, len(e.body)/2)
		for i := 0; i < len(e.body); i += 2 {
			units = append(units, uint16(e.body[i])<<8|uint16(e.body[i+1]))
		}
		return string(utf16.Decode(units))
	case e.tag == tagUniversal && len(e.body)%4 == 0:
		var runes []rune
		for i := 0; i < len(e.body); i += 4 {
			runes = append(runes, rune(e.body[i])<<24|rune(e.body[i+1])<<16|rune(e.body[i+2])<<8|rune(e.body[i+3]))
		}
		return string(runes)
	case !utf8.Valid(e.body): // Latin 1, most likely
		runes := make([]rune, 0, len(e.body))
		for _, b := range e.body {
			runes = append(runes, rune(b))
		}
		return string(runes)
	}
	return string(e.body)
}
