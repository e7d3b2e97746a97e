package rendering

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/andybalholm/brotli"

	"mxseal/checks/cache"
)

const (
	brotliOctets  = 8 << 20 // of memory for what is kept
	brotliMost    = 1 << 20 // of gzip: larger ones stay that
	brotliQuality = 6       // from here on it takes much longer to gain little
	brotliWindow  = 18      // as power of two: a quarter of a megabyte, larger than most pages
)

// brotlis keeps as brotli (RFC 7932) what is asked for more than once: that is smaller than gzip
// and takes longer to make. Each is found by its ETag, a digest of what it says.
type brotlis struct {
	kept *cache.Cache[*Rendering]
	mu   sync.Mutex // held by whoever packs: one at a time, and the others send gzip
	w    *brotli.Writer
}

// denser returns p as brotli where the client takes that and p was sent before, else p. Nobody
// waits for another.
func (m *Renderer) denser(r *http.Request, p *Rendering) *Rendering {
	if again := p.sent.Swap(true); !again || p.coding != "gzip" || len(p.body) > brotliMost || !Takes(r, "br") {
		return p
	}
	b := &m.brotlis
	if kept, ok := b.kept.Get(p.etag); ok {
		return kept
	}
	if !b.mu.TryLock() {
		return p
	}
	defer b.mu.Unlock()
	best := p
	if dense, err := b.pack(p); err == nil && len(dense.body) < len(p.body) {
		best = dense
	}
	b.kept.Put(p.etag, best)
	return best
}

// pack returns what p says as brotli. b.mu is held.
func (b *brotlis) pack(p *Rendering) (*Rendering, error) {
	var out bytes.Buffer
	if b.w == nil {
		b.w = brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: brotliQuality, LGWin: brotliWindow})
	} else {
		b.w.Reset(&out)
	}
	if err := p.unpack(b.w); err != nil {
		return nil, err
	}
	if err := b.w.Close(); err != nil {
		return nil, err
	}
	return &Rendering{body: bytes.Clone(out.Bytes()), coding: "br", etag: p.etag}, nil
}
