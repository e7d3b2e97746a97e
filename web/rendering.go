package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// rendering is a page, a picture or JSON that was made once and is sent many times. All who
// read it share its octets, however slow they are.
type rendering struct {
	head
	body   []byte
	packed bool   // body is gzip
	size   int    // octets of what it says
	etag   string // weak, as it goes with the content and not with its packing

	readers int // who are being sent it; guarded by sending.mu
}

// head is how a rendering is sent.
type head struct {
	kind string // media type
	keep string // Cache-Control
	vary string // request headers that another answer depends on
	open bool   // for the pages of others
}

// pageHead is that of pages for people.
var pageHead = head{kind: "text/html; charset=utf-8", keep: "no-cache", vary: "Accept, Accept-Encoding"}

// octets is what it takes in memory.
func (p *rendering) octets() int { return cap(p.body) + len(p.etag) + 256 }

// send answers with a rendering, or with 304 where the client has it already (RFC 9110 §13.1.2).
func (s *Site) send(w http.ResponseWriter, r *http.Request, status int, p *rendering) error {
	if !s.sending.begin(p) {
		return overloaded
	}
	defer s.sending.end(p)
	h := w.Header()
	h.Set("Content-Type", p.kind)
	h.Set("Cache-Control", p.keep)
	if p.open {
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if p.vary != "" {
		h.Set("Vary", p.vary)
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
	unpack, length := p.packed && !takesGzip(r), len(p.body)
	if unpack {
		length = p.size
	} else if p.packed {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
	switch { // an error of any of these means that the visitor has left: nobody to tell
	case r.Method == http.MethodHead:
	case unpack:
		p.unpack(w)
	default:
		w.Write(p.body)
	}
	return nil
}

// unpackers take 40 KiB each, for as long as a reader takes who does not know gzip.
var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// unpack writes what a packed rendering says, piece by piece.
func (p *rendering) unpack(w io.Writer) error {
	z := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(z)
	if err := z.Reset(bytes.NewReader(p.body)); err != nil {
		return err
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, z, make([]byte, 4<<10))
	return err
}

// sendOctets bounds the renderings that are being sent, each counted once: so much memory is
// held for slow readers, also of what the caches have let go.
const sendOctets = 64 << 20

// sending counts what is being sent.
type sending struct {
	mu     sync.Mutex
	octets int
}

// begin counts a reader, unless too much is being sent already.
func (s *sending) begin(p *rendering) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.readers == 0 {
		if s.octets+len(p.body) > sendOctets {
			return false
		}
		s.octets += len(p.body)
	}
	p.readers++
	return true
}

func (s *sending) end(p *rendering) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.readers--; p.readers == 0 {
		s.octets -= len(p.body)
	}
}

func (s *sending) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.octets
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

// takesGzip reports whether the client accepts gzip by name (RFC 9110 §12.5.3).
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, weighed := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			value, err := strconv.ParseFloat(q, 64)
			return !weighed || err == nil && value > 0
		}
	}
	return false
}
