package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"mxseal/checks/cache"
	"mxseal/web/scans"
)

const (
	maxRenderings    = 4                // made at a time
	clientRenderings = 16               // that one client waits for at a time
	renderWait       = 5 * time.Second  // for a turn; then the answer is 503
	renderTime       = 30 * time.Second // to make one

	pageOctets     = 24 << 20 // of memory for pages and JSON that are kept
	pictureOctets  = 8 << 20  // for badges and cards
	briefOctets    = 4 << 20  // for pages that hold for a moment: of running checks, of problems
	standingOctets = 2 << 20  // for what badges say

	pageKept    = scans.FreshFor // also the longest that a page may lag behind another process's report
	pictureKept = time.Hour
	briefKept   = refresh * time.Second
)

// renderer makes answers: each once for all who want it at the same time, few side by side,
// and packed while they are made. Whatever an answer is made from is let go before it is sent.
type renderer struct {
	pages, pictures, brief *cache.Cache[*rendering]

	flights cache.Flight[made]
	turns   chan *gzip.Writer // one for each that may be made now, with what packs it
	mu      sync.Mutex
	waiting map[netip.Prefix]int // renderings that clients wait for
	refused int                  // that were not made in time
}

// made is what making came to.
type made struct {
	*rendering
	err error
}

// writer writes an answer. An error that is a *problem is told to whoever asked.
type writer func(ctx context.Context, w io.Writer) error

func newRenderer() *renderer {
	m := &renderer{turns: make(chan *gzip.Writer, maxRenderings), waiting: make(map[netip.Prefix]int)}
	octets := (*rendering).octets
	m.pages, m.pictures, m.brief = cache.New(pageOctets, pageKept, octets), cache.New(pictureOctets, pictureKept, octets), cache.New(briefOctets, briefKept, octets)
	for range maxRenderings {
		m.turns <- nil // made when it is first needed: one takes almost a megabyte
	}
	return m
}

// get returns the rendering of that name: the one that is kept, else a new one. Answers that
// are for one request alone have no name and are not kept.
func (m *renderer) get(r *http.Request, kept *cache.Cache[*rendering], name string, h head, write writer) (*rendering, error) {
	if name != "" {
		if p, ok := kept.Get(name); ok {
			return p, nil
		}
	}
	leave, ok := m.enter(client(r))
	if !ok {
		return nil, overloaded
	}
	defer leave()
	if name == "" {
		return m.make(r.Context(), h, write)
	}
	got, ok := m.flights.Do(r.Context(), name, func(ctx context.Context) made {
		ctx, cancel := context.WithTimeout(ctx, renderWait+renderTime)
		defer cancel()
		if p, ok := kept.Get(name); ok {
			return made{rendering: p} // it came between the two looks
		}
		p, err := m.make(ctx, h, write)
		if err == nil {
			kept.Put(name, p)
		}
		return made{p, err}
	})
	if !ok {
		return nil, r.Context().Err()
	}
	return got.rendering, got.err
}

// load returns how many renderings are waited for, and how many were not made in time.
func (m *renderer) load() (waiting, refused int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.waiting {
		waiting += n
	}
	return waiting, m.refused
}

// enter counts what a client waits for; false where that is enough.
func (m *renderer) enter(who scans.Client) (leave func(), ok bool) {
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
func (m *renderer) make(ctx context.Context, h head, write writer) (*rendering, error) {
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
		return nil, overloaded
	}
	defer func() { m.turns <- packer }()
	if packer == nil {
		packer = gzip.NewWriter(io.Discard)
	}
	if h.kind == imagePNG {
		return compose(ctx, h, nil, write)
	}
	return compose(ctx, h, packer, write)
}

// compose makes a rendering, packed where there is a packer and it helps.
func compose(ctx context.Context, h head, packer *gzip.Writer, write writer) (*rendering, error) {
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
	p := &rendering{head: h, body: bytes.Clone(out.Bytes()), packed: packer != nil, size: d.size, etag: `W/"` + hex.EncodeToString(d.sum.Sum(nil)[:12]) + `"`}
	if p.packed && len(p.body) >= p.size {
		out.Reset()
		if err := p.unpack(&out); err != nil {
			return nil, err
		}
		p.body, p.packed = bytes.Clone(out.Bytes()), false
	}
	if p.packed && p.vary == "" {
		p.vary = "Accept-Encoding"
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
