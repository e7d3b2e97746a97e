package rendering

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"mxseal/web/problem"
)

// Rendering is a page, a picture or JSON that was made once and is sent many times. All who
// read it share its octets, however slow they are.
type Rendering struct {
	Head
	body   []byte
	coding string // Content-Encoding of body: gzip, br or none
	size   int    // octets of what it says
	etag   string // weak, as it goes with the content and not with its packing
	sent   atomic.Bool

	readers int // who are being sent it; guarded by sending.mu
}

// Head is how a rendering is sent.
type Head struct {
	Kind string // media type
	Keep string // Cache-Control
	Vary string // request headers that another answer depends on
	Open bool   // for the pages of others
}

// PNG is the media type of pictures that are packed already.
const PNG = "image/png"

// octets is what it takes in memory.
func (p *Rendering) octets() int { return cap(p.body) + len(p.etag) + 256 }

// Send answers with a rendering, or with 304 where the client has it already (RFC 9110 §13.1.2).
func (m *Renderer) Send(w http.ResponseWriter, r *http.Request, status int, p *Rendering) error {
	out := m.denser(r, p)
	if !m.sending.begin(out) {
		return problem.Overloaded
	}
	defer m.sending.end(out)
	h := w.Header()
	h.Set("Content-Type", p.Kind)
	h.Set("Cache-Control", p.Keep)
	if p.Open {
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if p.Vary != "" {
		h.Set("Vary", p.Vary)
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if status == http.StatusOK && reads {
		h.Set("ETag", p.etag)
		if known(r.Header.Get("If-None-Match"), p.etag) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	unpack, length := out.coding == "gzip" && !Takes(r, "gzip"), len(out.body)
	if unpack {
		length = p.size
	} else if out.coding != "" {
		h.Set("Content-Encoding", out.coding)
	}
	h.Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
	switch { // an error of any of these means that the visitor has left: nobody to tell
	case r.Method == http.MethodHead:
	case unpack:
		out.unpack(w)
	default:
		w.Write(out.body)
	}
	return nil
}

// unpackers take 40 KiB each, for as long as a reader takes who does not know gzip.
var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// unpack writes what a rendering that is gzip says, piece by piece.
func (p *Rendering) unpack(w io.Writer) error {
	z := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(z)
	if err := z.Reset(bytes.NewReader(p.body)); err != nil {
		return err
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, z, make([]byte, 4<<10))
	return err
}

// known compares weakly, as If-None-Match asks for.
func known(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || tag != "" && strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// Takes reports whether the client accepts a coding by name (RFC 9110 §12.5.3).
func Takes(r *http.Request, coding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			q, weighed := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			value, err := strconv.ParseFloat(q, 64)
			return !weighed || err == nil && value > 0
		}
	}
	return false
}
