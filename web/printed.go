package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// printed is a page or a picture that was made once and is sent many times.
type printed struct {
	id          string // of the report it was made from
	kind        string // media type
	plain, zip  []byte // zip is gzip; nil where it would save nothing
	etag        string
	keep        string // Cache-Control
	vary        string // request headers that another answer depends on
	crossOrigin bool   // for the pages of others
}

const maxPrinted = 1 << 20 // bytes of a page that is worth keeping

func newPrinted(id, kind, keep string, content []byte) *printed {
	sum := sha256.Sum256(content)
	p := &printed{id: id, kind: kind, keep: keep, plain: content, etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}
	if kind == "image/png" {
		return p
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(content); err == nil && z.Close() == nil && b.Len() < len(content) {
		p.zip, p.vary = b.Bytes(), "Accept-Encoding"
	}
	return p
}

// send answers with it, or with 304 where the client has it already (RFC 9110 §13.1.2).
func (p *printed) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", p.kind)
	h.Set("Cache-Control", p.keep)
	h.Set("ETag", p.etag)
	if p.crossOrigin {
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Access-Control-Allow-Origin", "*")
	}
	content := p.plain
	if p.vary != "" {
		h.Set("Vary", p.vary)
	}
	if p.zip != nil {
		if takesGzip(r) {
			content = p.zip
			h.Set("Content-Encoding", "gzip")
		}
	}
	if known(r.Header.Get("If-None-Match"), p.etag) {
		h.Del("Content-Type")
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	w.Write(content) // an error means that the visitor has left
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
