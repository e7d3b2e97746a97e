package input

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Domain is a mail domain as a person typed it, understood.
type Domain struct {
	ASCII   string   // A-label form, lower case, no trailing dot: what every query uses
	Unicode string   // for people
	Notes   []string // ids of the INP rules that applied, such as INP-02 for a pasted address
}

// Error says why what was typed is not a mail domain. It never repeats what was
// typed: that may hold the local part of somebody's address.
type Error struct {
	Rule     string // INP-01 …
	Sentence string // for the person who typed
}

func (e *Error) Error() string { return e.Sentence }

func reject(rule string) (Domain, error) {
	return Domain{}, &Error{Rule: rule, Sentence: Rules.Find(rule).Text}
}

const (
	maxTyped = 1024 // octets of what a person may type
	maxName  = 253  // octets of a domain name in text form (RFC 1035 §2.3.4)
	maxLabel = 63
)

// wide maps the characters that keyboards for other scripts produce for the dot and the at
// sign (RFC 3490 §3.1 names the dots).
var wide = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".", "\uff20", "@", "\ufe6b", "@")

// Parse is the only parser of what a person typed (RULES INP). The error is an
// *Error. Special-use names (RFC 6761: .test, .example …) are refused unless special
// is set, as it is while the lab runs or a test network is allowed.
func Parse(typed string, special bool) (Domain, error) {
	if len(typed) > maxTyped {
		return reject("INP-01")
	}
	typed = strings.TrimSpace(wide.Replace(typed))
	if typed == "" {
		return reject("INP-01")
	}
	var d Domain
	host, pasted, ok := unwrap(typed)
	if pasted {
		d.Notes = append(d.Notes, "INP-02")
	}
	switch {
	case host == "" && ok:
		return reject("INP-01")
	case literal(host):
		return reject("INP-10")
	case !ok || strings.Contains(host, ":"):
		return reject("INP-13")
	}
	if cut, found := strings.CutSuffix(host, "."); found && cut != "" {
		host = cut
		d.Notes = append(d.Notes, "INP-03")
	}
	ascii, rule := aLabels(host)
	switch {
	case rule != "":
		return reject(rule)
	case literal(ascii): // written in digits of another script
		return reject("INP-10")
	case !strings.Contains(ascii, "."):
		return reject("INP-09")
	case !special && specialUse(ascii):
		return reject("INP-11")
	}
	d.ASCII = ascii
	d.Unicode, _ = wholeName.ToUnicode(ascii) // it came from there, or is plain
	if len("_25._tcp.")+len(ascii) > maxName {
		d.Notes = append(d.Notes, "INP-08")
	}
	if suffix, _ := publicsuffix.PublicSuffix(ascii); suffix == ascii {
		d.Notes = append(d.Notes, "INP-12")
	}
	if slices.ContainsFunc(strings.Split(d.Unicode, "."), misleading) {
		d.Notes = append(d.Notes, "INP-15")
	}
	return d, nil
}

var scheme = regexp.MustCompile(`^(?i)([a-z][a-z0-9+.-]*)://`)

// unwrap takes the host out of a pasted address, mailto: link, "Name <a@b>" or URL; pasted
// says that it was one. ok is false for a URL that names a port or user information.
func unwrap(s string) (host string, pasted, ok bool) {
	if inner, found := strings.CutSuffix(s, ">"); found {
		if i := strings.LastIndex(inner, "<"); i >= 0 {
			s, pasted = strings.TrimSpace(inner[i+1:]), true
		}
	}
	if m := scheme.FindString(s); m != "" {
		s = s[len(m):]
		if i := strings.IndexAny(s, `/?#`); i >= 0 {
			s = s[:i]
		}
		if strings.Contains(s, "@") {
			return "", true, false
		}
		return s, true, true
	}
	if len(s) >= len("mailto:") && strings.EqualFold(s[:len("mailto:")], "mailto:") {
		s, pasted = s[len("mailto:"):], true
		s, _, _ = strings.Cut(s, "?")
	}
	// A local part may hold a slash; what follows the last @ may not.
	if i := strings.LastIndex(s, "@"); i >= 0 {
		return strings.TrimSpace(s[i+1:]), true, true
	}
	if i := strings.IndexAny(s, `/?#`); i > 0 {
		s, pasted = s[:i], true
	}
	return s, pasted, true
}

// number is a last label that makes a name an IPv4 address to those who parse addresses
// generously: 127.1, 2130706433, 0x7f.1 and 0177.0.0.1 are all the same machine. No
// top-level domain is a number.
var number = regexp.MustCompile(`(^|\.)([0-9]+|0[xX][0-9a-fA-F]*)\.?$`)

// literal reports whether host is an IP address in any of its spellings.
func literal(host string) bool {
	if strings.HasPrefix(host, "[") || number.MatchString(host) {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

var (
	// oneLabel turns one label that is not plain ASCII into its A-label, by UTS 46 without the
	// transitional mapping (ß stays ß) and with every restriction it knows.
	oneLabel = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true),
		idna.ValidateLabels(true), idna.CheckHyphens(true), idna.CheckJoiners(true))
	// wholeName looks at the labels together (RFC 5893 §1.4). Two hyphens in places three
	// and four are allowed here, since plain labels may have them.
	wholeName = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true),
		idna.BidiRule(), idna.CheckHyphens(false), idna.CheckJoiners(true))
)

// aLabels converts a name to A-labels, or returns the id of the rule that it breaks.
func aLabels(host string) (ascii, rule string) {
	labels := strings.Split(host, ".")
	for i, l := range labels {
		if l == "" {
			return "", "INP-04"
		}
		a, rule := aLabel(l)
		if rule != "" {
			return "", rule
		}
		labels[i] = a
	}
	ascii = strings.Join(labels, ".")
	if len(ascii) > maxName {
		return "", "INP-07"
	}
	if again, err := wholeName.ToASCII(ascii); err != nil || again != ascii {
		return "", "INP-05"
	}
	return ascii, ""
}

func aLabel(l string) (ascii, rule string) {
	plain := !strings.ContainsFunc(l, func(r rune) bool { return r > unicode.MaxASCII })
	ascii = strings.ToLower(l)
	switch {
	case plain && strings.HasPrefix(ascii, "xn--"):
		u, err := oneLabel.ToUnicode(ascii)
		again, err2 := oneLabel.ToASCII(u)
		if err != nil || err2 != nil || again != ascii || !idna2008(u) {
			return "", "INP-06"
		}
	case !plain:
		a, err := oneLabel.ToASCII(l)
		u, err2 := oneLabel.ToUnicode(a)
		if err != nil || err2 != nil || strings.Contains(a, ".") || !idna2008(u) {
			return "", "INP-05"
		}
		ascii = a
	}
	if len(ascii) > maxLabel || !ldh.MatchString(ascii) {
		return "", "INP-07"
	}
	return ascii, ""
}

// ldh is a host name label: letters, digits and hyphens, a hyphen at neither end.
var ldh = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// exceptions are the code points that RFC 5892 §2.6 and its contextual rules allow although
// they are neither letter, digit nor mark.
const exceptions = "\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb\u200c\u200d"

// idna2008 reports whether a U-label holds letters, digits and marks only. UTS 46 lets
// symbols and emoji through for the sake of IDNA2003; RFC 5892 does not.
func idna2008(u string) bool {
	return !strings.ContainsFunc(u, func(r rune) bool {
		return !unicode.In(r, unicode.Ll, unicode.Lo, unicode.Lm, unicode.Mn, unicode.Mc, unicode.Nd) &&
			r != '-' && !strings.ContainsRune(exceptions, r)
	})
}

// reserved are the names that never stand for a mail domain of the public internet
// (RFC 6761, 6762, 7686, 8375, 9476 and ICANN's .internal).
var reserved = []string{"local", "localhost", "test", "invalid", "example", "onion", "alt", "internal", "arpa"}

// specialUse reports whether the name stands under one of them; home.arpa is under arpa.
func specialUse(ascii string) bool {
	return slices.Contains(reserved, ascii[strings.LastIndex(ascii, ".")+1:])
}

// together are the scripts that one word may mix (UTS 39 §5.2, highly restrictive).
var together = [][]*unicode.RangeTable{
	{unicode.Latin, unicode.Han, unicode.Hiragana, unicode.Katakana},
	{unicode.Latin, unicode.Han, unicode.Bopomofo},
	{unicode.Latin, unicode.Han, unicode.Hangul},
}

// lookalikes are the Cyrillic and Greek letters that read as Latin ones in most typefaces.
const lookalikes = "асԁеһіјӏорԛѕԝхуъьҽпгѵѡԍк" + "αικνορτυωχγ"

// misleading reports whether a U-label mixes scripts, or is made of letters that look like
// Latin ones (UTS 39).
func misleading(u string) bool {
	var letters []rune
	for _, r := range u {
		if unicode.IsLetter(r) {
			letters = append(letters, r)
		}
	}
	within := func(tables ...*unicode.RangeTable) bool {
		return !slices.ContainsFunc(letters, func(r rune) bool {
			return !unicode.In(r, tables...) && !unicode.In(r, unicode.Common, unicode.Inherited)
		})
	}
	if within(unicode.Latin) {
		return false
	}
	if !slices.ContainsFunc(letters, func(r rune) bool { return !strings.ContainsRune(lookalikes, r) }) {
		return true
	}
	for _, table := range unicode.Scripts {
		if within(table) {
			return false
		}
	}
	return !slices.ContainsFunc(together, func(tables []*unicode.RangeTable) bool { return within(tables...) })
}
