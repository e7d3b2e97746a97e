package scans

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"mxseal/checks/input"
)

// optOutList is the list as it was read. It is never changed.
type optOutList struct {
	names    map[string]bool // A-labels
	networks []netip.Prefix
}

func (l optOutList) hasName(name string) bool {
	for name, more := strings.ToLower(name), true; more && len(l.names) > 0; _, name, more = strings.Cut(name, ".") {
		if l.names[name] {
			return true
		}
	}
	return false
}

func (l optOutList) hasAddr(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, n := range l.networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// parseOptOuts reads a list. The error names the first line that makes no sense.
func parseOptOuts(r io.Reader) (optOutList, error) {
	list := optOutList{names: make(map[string]bool)}
	for lines := input.NewLines(r); ; {
		entry, err := lines.Next()
		switch {
		case err == io.EOF:
			return list, nil
		case err != nil:
			return optOutList{}, fmt.Errorf("line %d: %w", lines.N+1, err)
		}
		entry, _, _ = strings.Cut(entry, "#") // no entry holds one
		if entry == "" {
			continue
		}
		if err := list.add(entry); err != nil {
			return optOutList{}, fmt.Errorf("line %d: %.100q: %w", lines.N, entry, err)
		}
	}
}

func (l *optOutList) add(entry string) error {
	if p, err := netip.ParsePrefix(entry); err == nil {
		p = unmapped(p)
		if p.Bits() <= 0 {
			return errors.New("that would be everybody; stop the program instead")
		}
		l.networks = append(l.networks, p)
		return nil
	}
	if a, err := netip.ParseAddr(entry); err == nil && a.Zone() == "" {
		a = a.Unmap()
		l.networks = append(l.networks, netip.PrefixFrom(a, a.BitLen()))
		return nil
	}
	if strings.ContainsAny(entry, "@/:<>[]") {
		return errors.New("want a domain, the name of a server, an address or a network such as 192.0.2.0/24")
	}
	d, err := input.Parse(entry, true)
	if err != nil {
		return fmt.Errorf("want a domain, the name of a server, an address or a network such as 192.0.2.0/24: %w", err)
	}
	l.names[d.ASCII] = true
	return nil
}

// unmapped is a network in its plain form: without bits beyond its length, and that of IPv4
// where it is written as one of IPv6. It is invalid where it would hold more than IPv4.
func unmapped(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}
