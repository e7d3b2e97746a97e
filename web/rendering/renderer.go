// Package rendering makes answers and sends them: each is made once for all who want it at the same
// time, few side by side, packed while it is made, kept in memory for a while, and shared by all who
// read it, however slowly. Whatever an answer is made from is let go before it is sent.
package rendering

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/netip"
	"sync"
	"time"

	"mxseal/checks/cache"
	"mxseal/web/problem"
	"mxseal/web/scans"
)

const (
	maxRenderings    = 4                // made at a time
	clientRenderings = 16               // that one client waits for at a time
	renderWait       = 5 * time.Second  // for a turn; then the answer is 503
	renderTime       = 30 * time.Second // to make one

	pageOctets    = 24 << 20 // of memory for pages and JSON that are kept
	pictureOctets = 8 << 20  // for badges and cards
	briefOctets   = 4 << 20  // for pages that hold for a moment: of running checks, of problems

	pageKept    = scans.FreshFor // also the longest that a page may lag behind another process's report
	pictureKept = time.Hour
	briefKept   = Brief * time.Second

	// Brief is how many seconds an answer holds that is true for a moment only.
	Brief = 2
)

// Renderer makes answers and sends them. It is safe for concurrent use.
type Renderer struct {
	Pages, Pictures, Brief *cache.Cache[*Rendering] // where answers are kept: for a minute, an hour, a moment

	sending sending
	brotlis brotlis

	flights cache.Flight[made]
	turns   chan *gzip.Writer // one for each that may be made now, with what packs it
	mu      sync.Mutex
	waiting map[netip.Prefix]int // renderings that clients wait for
	refused int                  // that were not made in time
}

// made is what making came to.
type made struct {
	*Rendering
	err error
}

// Writer writes an answer. Its error goes to whoever asked.
type Writer func(ctx context.Context, w io.Writer) error

// New returns a Renderer.
func New() *Renderer {
	m := &Renderer{turns: make(chan *gzip.Writer, maxRenderings), waiting: make(map[netip.Prefix]int)}
	octets := (*Rendering).octets
	m.brotlis.kept = cache.New(brotliOctets, pageKept, octets)
	m.Pages, m.Pictures, m.Brief = cache.New(pageOctets, pageKept, octets), cache.New(pictureOctets, pictureKept, octets), cache.New(briefOctets, briefKept, octets)
	for range maxRenderings {
		m.turns <- nil // made when it is first needed: one takes almost a megabyte
	}
	return m
}

// Get returns the rendering of that name: the one that is kept, else a new one. Answers that
// are for one request alone have no name and are not kept. Too many who wait are told
// problem.Overloaded.
func (m *Renderer) Get(ctx context.Context, who scans.Client, kept *cache.Cache[*Rendering], name string, h Head, write Writer) (*Rendering, error) {
	if name != "" {
		if p, ok := kept.Get(name); ok {
			return p, nil
		}
	}
	leave, ok := m.enter(who)
	if !ok {
		return nil, problem.Overloaded
	}
	defer leave()
	if name == "" {
		return m.make(ctx, h, write)
	}
	got, ok := m.flights.Do(ctx, name, func(ctx context.Context) made {
		ctx, cancel := context.WithTimeout(ctx, renderWait+renderTime)
		defer cancel()
		if p, ok := kept.Get(name); ok {
			return made{Rendering: p} // it came between the two looks
		}
		p, err := m.make(ctx, h, write)
		if err == nil {
			kept.Put(name, p)
		}
		return made{p, err}
	})
	if !ok {
		return nil, ctx.Err()
	}
	return got.Rendering, got.err
}

// Load returns how many renderings are waited for, and how many were not made in time.
func (m *Renderer) Load() (waiting, refused int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.waiting {
		waiting += n
	}
	return waiting, m.refused
}

// enter counts what a client waits for; false where that is enough.
func (m *Renderer) enter(who scans.Client) (leave func(), ok bool) {
	client := who.Network(0)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting[client] >= clientRenderings {
		m.refused++
		return nil, false
	}
	m.waiting[client]++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.waiting[client]--; m.waiting[client] == 0 {
			delete(m.waiting, client)
		}
	}, true
}

// make makes a rendering when its turn comes.
func (m *Renderer) make(ctx context.Context, h Head, write Writer) (*Rendering, error) {
	patience := time.NewTimer(renderWait)
	defer patience.Stop()
	var packer *gzip.Writer
	select {
	case packer = <-m.turns:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.refused++
		return nil, problem.Overloaded
	}
	defer func() { m.turns <- packer }()
	if packer == nil {
		packer = gzip.NewWriter(io.Discard)
	}
	if h.Kind == PNG {
		return compose(ctx, h, nil, write)
	}
	return compose(ctx, h, packer, write)
}

// Compose makes a rendering without waiting for a turn: small ones, unpacked.
func Compose(ctx context.Context, h Head, write Writer) (*Rendering, error) {
	return compose(ctx, h, nil, write)
}

// compose makes a rendering, packed where there is a packer and it helps.
func compose(ctx context.Context, h Head, packer *gzip.Writer, write Writer) (*Rendering, error) {
	var out bytes.Buffer
	d := draft{to: &out, sum: sha256.New()}
	if packer != nil {
		packer.Reset(&out)
		d.to = packer
	}
	if err := write(ctx, &d); err != nil {
		return nil, err
	}
	if packer != nil {
		if err := packer.Close(); err != nil {
			return nil, err
		}
	}
	p := &Rendering{Head: h, body: bytes.Clone(out.Bytes()), size: d.size, etag: `W/"` + hex.EncodeToString(d.sum.Sum(nil)[:12]) + `"`}
	switch {
	case packer == nil:
	case len(p.body) >= p.size:
		out.Reset()
		if err := p.unpack(&out); err != nil {
			return nil, err
		}
		p.body = bytes.Clone(out.Bytes())
	default:
		p.coding, p.Vary = "gzip", cmp.Or(p.Vary, "Accept-Encoding")
	}
	return p, nil
}

// draft is a rendering on its way: nothing holds all that it says.
type draft struct {
	to   io.Writer
	sum  hash.Hash
	size int
}

func (d *draft) Write(b []byte) (int, error) {
	d.sum.Write(b)
	d.size += len(b)
	return d.to.Write(b)
}

// Caches says what is held in memory, by kind.
func (m *Renderer) Caches() map[string]cache.Held {
	return map[string]cache.Held{"pages": m.Pages.Held(), "pictures": m.Pictures.Held(), "brief": m.Brief.Held(), "brotli": m.brotlis.kept.Held()}
}
