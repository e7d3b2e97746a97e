package pkix

import (
	"bytes"
	"net/url"
	"strings"
)

// constraints are the names that an authority may, and may not, issue for (RFC 5280 §4.2.1.10).
type constraints struct {
	permitted, excluded []subtree
}

// subtree is a name of some kind with everything below it.
type subtree struct {
	kind   byte // the tag of its GeneralName
	value  []byte
	name   Name // of a directoryName
	ranged bool // with a minimum or maximum, which nobody supports
}

// Kinds of GeneralName.
const (
	kindMail    = tagContext | 1
	kindDNS     = tagContext | 2
	kindFolder  = tagContext | tagConstructed | 4
	kindURI     = tagContext | 6
	kindAddress = tagContext | 7
)

func readConstraints(value []byte) (*constraints, bool) {
	r, ok := parse(value, tagSequence)
	c := &constraints{}
	for ok && r.more() {
		switch e := r.any(); e.tag {
		case tagContext | tagConstructed:
			c.permitted, ok = readSubtrees(e)
		case tagContext | tagConstructed | 1:
			c.excluded, ok = readSubtrees(e)
		}
	}
	return c, ok && !r.bad
}

func readSubtrees(e element) (all []subtree, ok bool) {
	r := inside(e)
	for r.more() {
		one := inside(r.take(tagSequence))
		base := one.any()
		t := subtree{kind: base.tag, value: base.body}
		if base.tag == kindFolder {
			t.name = readName(inside(base).any())
		}
		if minimum, there := one.maybe(tagContext); there {
			t.ranged = len(bytes.Trim(minimum.body, "\x00")) > 0
		}
		_, limited := one.maybe(tagContext | 1)
		t.ranged = t.ranged || limited
		if one.bad {
			return nil, false
		}
		all = append(all, t)
	}
	return all, !r.bad
}

// kindOther is otherName, a kind of many kinds.
const kindOther = tagContext | tagConstructed

// concerns reports whether a subtree says anything about names of that kind.
func (t subtree) concerns(n nameOf) bool {
	if t.kind == kindOther && n.kind == kindOther {
		a, _, _ := next(t.value)
		b, _, _ := next([]byte(n.value))
		return bytes.Equal(a.raw, b.raw)
	}
	return t.kind == n.kind
}

// comparable reports whether names can be held against a subtree of that kind.
func (t subtree) comparable() bool {
	switch t.kind {
	case kindMail, kindDNS, kindFolder, kindURI, kindAddress:
		return true
	}
	return false
}

// holds reports whether a name lies in a subtree of its kind.
func (t subtree) holds(n nameOf) bool {
	base := string(t.value)
	switch t.kind {
	case kindFolder:
		return len(n.name.parts) >= len(t.name.parts) && strings.HasPrefix(n.name.canon+"\x01", t.name.canon+"\x01") ||
			len(t.name.parts) == 0
	case kindDNS:
		return below(n.value, base)
	case kindMail:
		return mailBelow(n.value, base)
	case kindURI:
		u, err := url.Parse(n.value)
		if err != nil || u.Hostname() == "" {
			return false
		}
		if strings.HasPrefix(base, ".") {
			return below(u.Hostname(), base)
		}
		return strings.EqualFold(u.Hostname(), base)
	case kindAddress:
		half := len(base) / 2
		if len(n.value) != half || len(base) != 8 && len(base) != 32 {
			return false
		}
		for i := range half {
			if (n.value[i]^base[i])&base[half+i] != 0 {
				return false
			}
		}
		return true
	}
	return false
}

// below reports whether a host name ends in base, at a label.
func below(name, base string) bool {
	if base == "" {
		return true
	}
	cut := len(name) - len(base)
	if cut < 0 || !strings.EqualFold(name[cut:], base) {
		return false
	}
	return cut == 0 || base[0] == '.' || name[cut-1] == '.'
}

// mailBelow compares a mail address with a mailbox, a host, or a domain with a leading dot.
func mailBelow(name, base string) bool {
	at := strings.LastIndexByte(name, '@')
	if at < 0 {
		return false
	}
	if i := strings.LastIndexByte(base, '@'); i > 0 {
		return name[:at] == base[:i] && strings.EqualFold(name[at:], base[i:])
	}
	base = strings.TrimPrefix(base, "@")
	if strings.HasPrefix(base, ".") {
		return len(name)-at-1 > len(base) && below(name[at+1:], base)
	}
	return base == "" || strings.EqualFold(name[at+1:], base)
}

// nameOf is a name in a certificate that constraints are held against.
type nameOf struct {
	kind  byte
	value string
	name  Name
	shown string
}
