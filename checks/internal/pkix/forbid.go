package pkix

import "strings"

// maxComparisons bounds the names times constraints of one certificate, as in OpenSSL.
const maxComparisons = 1 << 20

// forbid says which name of a certificate the constraints do not allow; empty for none. It judges
// as OpenSSL does: only constraints of the kind of a name count, and those that nobody can
// evaluate stand in the way only where the certificate has a name of that kind.
func (c *constraints) forbid(cert *Certificate, leaf bool) string {
	names := cert.constrained(leaf)
	if len(names)*(len(c.permitted)+len(c.excluded)) > maxComparisons {
		return "more names than anyone compares"
	}
	for _, name := range names {
		seen, allowed := false, false
		for _, t := range c.permitted {
			if !t.concerns(name) {
				continue
			}
			seen = true
			if t.ranged {
				return name.shown + " (a constraint with a range)"
			}
			if allowed = t.holds(name); allowed {
				break
			}
		}
		if seen && !allowed {
			return name.shown
		}
		for _, t := range c.excluded {
			if t.concerns(name) && (t.ranged || t.holds(name) || !t.comparable()) {
				return name.shown
			}
		}
	}
	return ""
}

func (c *Certificate) constrained(leaf bool) []nameOf {
	var all []nameOf
	add := func(kind byte, values []string) {
		for _, v := range values {
			all = append(all, nameOf{kind: kind, value: v, shown: v})
		}
	}
	for _, n := range append([]Name{c.Subject}, c.Folders...) {
		if len(n.parts) > 0 {
			all = append(all, nameOf{kind: kindFolder, name: n, shown: n.Text})
		}
	}
	add(kindMail, c.Subject.Mails)
	add(kindMail, c.Mails)
	add(kindDNS, c.DNSNames)
	add(kindURI, c.URIs)
	for _, a := range c.Addresses {
		all = append(all, nameOf{kind: kindAddress, value: string(a), shown: "an address"})
	}
	for _, e := range c.others {
		all = append(all, nameOf{kind: e.tag, value: string(e.body), shown: "a name of a kind that nobody compares"})
	}
	if leaf && len(c.DNSNames) == 0 && hostLike(c.Subject.CommonName) {
		add(kindDNS, []string{c.Subject.CommonName})
	}
	return all
}

// hostLike reports whether OpenSSL takes a common name for that of a host.
func hostLike(name string) bool {
	if !strings.Contains(name, ".") {
		return false
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
		inner := i > 0 && i < len(name)-1
		switch {
		case letter, c == '*' && i == 0:
		case c == '-' && inner:
		case c == '.' && inner && name[i+1] != '.' && name[i+1] != '-' && name[i-1] != '-':
		default:
			return false
		}
	}
	return true
}
