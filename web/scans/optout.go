package scans

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// OptOuts is the list of those who have asked not to be checked from here: a text with one
// entry a line, # begins a comment. A name stands for itself and everything below it, as a
// mail domain and as a mail or policy server; an address or a network (CIDR) for the servers
// in it. It is read again when it changes. One that cannot be read any more or holds
// a line that makes no sense changes nothing: what was read before stays in force.
//
// A server goes by more names than its owner knows, for anybody may give it one. So the listed
// names are looked up (Watch), and their addresses are left alone under whatever name.
//
// A nil *OptOuts lists nobody. It is safe for concurrent use.
type OptOuts struct {
	read listReader
	log  *slog.Logger

	mu     sync.Mutex
	list   optOutList
	text   []byte                   // of which the list was made
	stamp  stamp                    // of the text as it was last looked at
	looked time.Time                // when that was
	found  map[string][]netip.Addr  // by listed name, or that of one of its mail exchangers: the last good answer
	known  map[netip.Addr]bool      // all of these
	met    map[netip.Addr]time.Time // addresses to which a name led in a check that is listed or below a listed one
}

const (
	lookAgain   = 3 * time.Second  // how often the text is looked at
	findAgain   = 10 * time.Minute // how often the listed names are looked up
	findTime    = 20 * time.Second // for one name
	findAbreast = 4                // names that are looked up at a time
	maxFound    = 2000             // names that are looked up
	maxKept     = 64               // addresses of one name that is answered for only in part
	maxMet      = 4096             // addresses met in checks
	meetAgain   = 24 * time.Hour   // how long these are left alone
)

// OpenOptOuts reads the list from a file. The error says which line makes no sense.
func OpenOptOuts(path string, log *slog.Logger) (*OptOuts, error) {
	return openOptOuts(path, inFile(path), log)
}

// FetchOptOuts takes the list from where another process has put its own (Share). The error says why that is
// not to be had, or which line makes no sense.
func FetchOptOuts(fetch func(context.Context) ([]byte, error), log *slog.Logger) (*OptOuts, error) {
	return openOptOuts("the opt-out list of the database", fetched(fetch), log)
}

func openOptOuts(name string, read listReader, log *slog.Logger) (*OptOuts, error) {
	text, now, err := read(stamp{})
	if err != nil {
		return nil, err
	}
	list, err := parseOptOuts(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &OptOuts{read: read, log: log, list: list, text: text, stamp: now, looked: time.Now()}, nil
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

// now returns the list as its source has it, at most lookAgain ago.
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
	text, now, err := o.read(o.stamp)
	changed := now != o.stamp
	o.stamp = now
	if !changed {
		return o.list
	}
	var list optOutList
	if err == nil {
		list, err = parseOptOuts(bytes.NewReader(text))
	}
	if err != nil {
		o.log.Error("the opt-out list could not be read again; the former one stays in force", "error", err)
		return o.list
	}
	o.list, o.text, o.met = list, text, nil
	o.log.Info("the opt-out list was read again", "names", len(list.names), "networks", len(list.networks))
	return o.list
}

// Text is the list that is in force, as it was read; empty where there is none.
func (o *OptOuts) Text() []byte {
	if o == nil {
		return nil
	}
	o.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text
}

// Share puts the list where other processes fetch it, now and whenever it has changed, until ctx ends. An
// empty one stands for none.
func (o *OptOuts) Share(ctx context.Context, put func(context.Context, []byte) error, log *slog.Logger) {
	var shared []byte
	var failed bool
	for done := false; ; {
		if text := o.Text(); !done || !bytes.Equal(text, shared) {
			err := put(ctx, append([]byte{}, text...))
			if err != nil && !failed && ctx.Err() == nil {
				log.Error("the opt-out list could not be put into the database; workers keep the one before", "error", err)
			}
			failed = err != nil
			if err == nil {
				done, shared = true, text
			}
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return
		}
	}
}
