package scans

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"mxseal/checks/input"
)

// OptOuts is the list of those who have asked not to be checked from here: a file with one
// entry a line, # begins a comment. A name stands for itself and everything below it, as a
// mail domain and as a mail or policy server; an address or a network (CIDR) for the servers
// in it. The file is read again when it changes. A file that cannot be read any more or holds
// a line that makes no sense changes nothing: what was read before stays in force.
//
// A server goes by more names than its owner knows, for anybody may give it one. So the listed
// names are looked up (Watch), and their addresses are left alone under whatever name.
//
// A nil *OptOuts lists nobody. It is safe for concurrent use.
type OptOuts struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	list   optOutList
	stamp  stamp                    // of the file as it was last looked at
	looked time.Time                // when that was
	found  map[string][]netip.Addr  // by listed name, or that of one of its mail exchangers: the last good answer
	known  map[netip.Addr]bool      // all of these
	met    map[netip.Addr]time.Time // addresses to which a name led in a check that is listed or below a listed one
}

// stamp tells one state of a file from another.
type stamp struct {
	changed time.Time
	size    int64
	fault   string // why it could not be looked at
}

const (
	lookAgain   = 3 * time.Second  // how often the file is looked at
	findAgain   = 10 * time.Minute // how often the listed names are looked up
	findTime    = 20 * time.Second // for one name
	findAbreast = 4                // names that are looked up at a time
	maxFound    = 2000             // names that are looked up
	maxKept     = 64               // addresses of one name that is answered for only in part
	maxMet      = 4096             // addresses met in checks
	meetAgain   = 24 * time.Hour   // how long these are left alone
)

// OpenOptOuts reads the list. The error says which line makes no sense.
func OpenOptOuts(path string, log *slog.Logger) (*OptOuts, error) {
	o := &OptOuts{path: path, log: log, looked: time.Now()}
	o.stamp = stampOf(path)
	list, err := readOptOuts(path)
	if err != nil {
		return nil, err
	}
	o.list = list
	return o, nil
}

// Domain reports whether the owner of a domain (A-label) has asked not to be checked.
func (o *OptOuts) Domain(name string) bool { return o.now().hasName(name) }

// Server reports whether a mail or policy server has asked not to be contacted, by its name
// (A-label, may be empty) or its address.
func (o *OptOuts) Server(name string, addr netip.Addr) bool {
	list := o.now()
	if list.hasName(name) {
		o.meet(addr)
		return true
	}
	return list.hasAddr(addr) || o.leads(addr)
}

// meet notes that a listed name leads to an address.
func (o *OptOuts) meet(addr netip.Addr) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !addr.IsValid() {
		return
	}
	if o.met == nil {
		o.met = make(map[netip.Addr]time.Time)
	}
	if len(o.met) >= maxMet {
		maps.DeleteFunc(o.met, func(_ netip.Addr, at time.Time) bool { return time.Since(at) >= meetAgain })
	}
	if len(o.met) < maxMet {
		o.met[addr.Unmap().WithZone("")] = time.Now()
	}
}

// leads reports whether a listed name leads to an address.
func (o *OptOuts) leads(addr netip.Addr) bool {
	if o == nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	o.mu.Lock()
	defer o.mu.Unlock()
	if at, met := o.met[addr]; met && time.Since(at) < meetAgain {
		return true
	}
	return o.known[addr]
}

// Whereabouts looks a name up (checks.Engine.Whereabouts).
type Whereabouts func(ctx context.Context, name string) (addresses []netip.Addr, exchangers []string, err error)

// Watch looks the listed names up until ctx ends: now, every ten minutes, and when the list has
// changed. It calls ready when it has done so once. Where a name gives no answer the last good
// one stays in force.
func (o *OptOuts) Watch(ctx context.Context, find Whereabouts, ready func()) {
	if o == nil {
		ready()
		return
	}
	for {
		list, began := o.now(), time.Now()
		o.find(ctx, list, find)
		ready()
		for time.Since(began) < findAgain && maps.Equal(list.names, o.now().names) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(lookAgain):
			}
		}
	}
}

// find looks up what is listed, and then those of the mail exchangers that are listed too. The
// exchangers of a domain that others run are theirs.
func (o *OptOuts) find(ctx context.Context, list optOutList, find Whereabouts) {
	names := slices.Sorted(maps.Keys(list.names))
	if len(names) > maxFound {
		o.log.Warn("the opt-out list has more names than are looked up; list further servers by address", "names", len(names), "most", maxFound)
	}
	asked := make(map[string]bool)
	for range 2 {
		var work sync.WaitGroup
		var mu sync.Mutex
		var further []string
		places := make(chan struct{}, findAbreast)
		for _, name := range names {
			if asked[name] || len(asked) >= maxFound {
				continue
			}
			asked[name] = true
			places <- struct{}{}
			work.Go(func() {
				defer func() { <-places }()
				brief, cancel := context.WithTimeout(ctx, findTime)
				defer cancel()
				addresses, exchangers, err := find(brief, name)
				o.note(name, addresses, err)
				mu.Lock()
				defer mu.Unlock()
				further = append(further, exchangers...)
			})
		}
		work.Wait()
		names = slices.DeleteFunc(further, func(name string) bool { return !list.hasName(name) })
		slices.Sort(names)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.found, func(name string, _ []netip.Addr) bool { return !list.hasName(name) })
	o.known = make(map[netip.Addr]bool)
	for _, addresses := range o.found {
		for _, a := range addresses {
			o.known[a] = true
		}
	}
}

// note keeps the addresses of a name. Without a whole answer those from before stay with it.
func (o *OptOuts) note(name string, addresses []netip.Addr, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.found == nil {
		o.found = make(map[string][]netip.Addr)
	}
	if err != nil {
		for _, a := range o.found[name] {
			if !slices.Contains(addresses, a) && len(addresses) < maxKept {
				addresses = append(addresses, a)
			}
		}
	}
	o.found[name] = addresses
}

// now returns the list as the file has it, at most lookAgain ago.
func (o *OptOuts) now() optOutList {
	if o == nil {
		return optOutList{}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.looked) < lookAgain {
		return o.list
	}
	o.looked = time.Now()
	s := stampOf(o.path)
	if s == o.stamp {
		return o.list
	}
	o.stamp = s
	list, err := readOptOuts(o.path)
	if err != nil {
		o.log.Error("the opt-out list could not be read again; the former one stays in force", "error", err)
		return o.list
	}
	o.list, o.met = list, nil
	o.log.Info("the opt-out list was read again", "names", len(list.names), "networks", len(list.networks))
	return o.list
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{fault: err.Error()}
	}
	return stamp{changed: info.ModTime(), size: info.Size()}
}

func readOptOuts(path string) (optOutList, error) {
	f, err := os.Open(path)
	if err != nil {
		return optOutList{}, err
	}
	defer f.Close()
	list, err := parseOptOuts(f)
	if err != nil {
		return optOutList{}, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

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
