package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/report"
)

const (
	readAhead   = 1 << 14 // domains of a list, beyond those that are checked
	mostRefused = 100     // lines of a list that are told, where they are no mail domains

	noMailDomains = "lines are no mail domains" // what the further ones are
)

// domainList is the domains that are to be checked, each once. It is read while it is worked through,
// so that its length costs a number for each name, by which it is known again.
type domainList struct {
	domains chan input.Domain
	engine  *checks.Engine
	known   map[uint64]bool
	seed    maphash.Seed

	mu      sync.Mutex
	lines   int          // that hold something
	refused input.Faults // what is no mail domain, with its line
	err     error        // the list cannot be read

	taken  atomic.Int64 // domains that were found
	octets atomic.Int64 // of the list, until then
	size   int64        // of the list in octets; 0 where that cannot be known
	ended  atomic.Bool
}

func newList(engine *checks.Engine) *domainList {
	return &domainList{domains: make(chan input.Domain, readAhead), engine: engine, known: make(map[uint64]bool), seed: maphash.MakeSeed(),
		refused: input.Faults{Most: mostRefused}}
}

// knows reports whether a domain was named before, or is done, and notes it.
func (l *domainList) knows(domain string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := maphash.String(l.seed, domain)
	before := l.known[n]
	l.known[n] = true
	return before
}

// take finds the domain in what was typed. It reports whether reading is to go on.
func (l *domainList) take(ctx context.Context, where, typed string, labels ...string) bool {
	d, err := l.engine.ParseDomain(typed)
	l.mu.Lock()
	l.lines++
	l.mu.Unlock()
	if err == nil && slices.ContainsFunc(labels, l.isDomain) {
		err = errTwoDomains
	}
	if err != nil {
		l.refuse(fmt.Errorf("%s%s: %w", where, report.Clean(typed, 80), err))
		return true
	}
	if l.knows(d.ASCII) {
		return true
	}
	select {
	case l.domains <- d:
		l.taken.Add(1)
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *domainList) refuse(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused.Add(err)
}

// named reads the domains that stand on the command line, all before anything takes them: so their number is
// known from the first.
func (l *domainList) named(ctx context.Context, args []string) {
	l.domains = make(chan input.Domain, max(readAhead, len(args)))
	for _, typed := range args {
		if !l.take(ctx, "", typed) {
			break
		}
	}
	l.end()
}

// read reads a list, a domain a line.
func (l *domainList) read(ctx context.Context, in io.Reader) {
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			l.size = info.Size()
		}
	}
	defer l.end()
	for rows := input.NewRows(counted{in, &l.octets}); ; {
		typed, labels, err := rows.Next()
		where := fmt.Sprintf("line %d: ", rows.N)
		switch {
		case err == io.EOF:
			return
		case err != nil:
			l.mu.Lock()
			defer l.mu.Unlock()
			l.err = err
			return
		case typed == "" && labels == nil:
		case !l.take(ctx, where, typed, labels...):
			return
		}
	}
}

// errTwoDomains says what is wrong with a line that nobody meant to have labels.
var errTwoDomains = errors.New("there is another domain in its line; a line has one")

func (l *domainList) isDomain(typed string) bool {
	_, err := l.engine.ParseDomain(typed)
	return err == nil
}

func (l *domainList) end() {
	l.ended.Store(true)
	close(l.domains)
}

// left is what was not checked.
func (l *domainList) left() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused.Told(noMailDomains)
}

// fault says why nothing was checked, unless all was done before.
func (l *domainList) fault() error {
	if err := l.unread(); err != nil {
		return fault(err)
	}
	l.mu.Lock()
	lines, known := l.lines, len(l.known)
	l.mu.Unlock()
	switch {
	case lines == 0:
		return errors.New("standard input holds no domain")
	case known == 0:
		return &exit{exitUsage, errors.Join(l.left()...)}
	}
	return nil
}

// unread says why the list was not read to its end.
func (l *domainList) unread() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return fmt.Errorf("standard input: %w", l.err)
	}
	return nil
}

// length is how many domains there are, as far as that can be told: exactly, once all is read,
// else about, from the share of the file that was read. 0 stands for unknown.
func (l *domainList) length() (n int64, exact bool) {
	n = l.taken.Load()
	switch read := l.octets.Load(); {
	case l.ended.Load():
		return n, true
	case read > 0 && l.size > read:
		return int64(float64(n) * float64(l.size) / float64(read)), false
	}
	return 0, false
}

// counted counts the octets that are read.
type counted struct {
	io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}
