// Package static holds the files that pages refer to, built into the program.
//
// Every file has one address, which carries a digest of its content: browsers may keep it
// for ever, and a new release is seen at once.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed style.css
var style []byte

//go:embed icon.svg
var icon []byte

//go:embed favicon.ico
var favicon []byte

//go:embed live.js
var script []byte

// Addresses of the files.
var (
	Style  = address("style.css", style)
	Icon   = address("icon.svg", icon)
	Script = address("live.js", script)
)

const prefix = "/static/"

func address(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
}

// packed are the files as gzip, each made once for all who read it.
var packed = map[string]func() []byte{Style: gzipped(style), Icon: gzipped(icon), Script: gzipped(script)}

func gzipped(content []byte) func() []byte {
	return sync.OnceValue(func() []byte {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		z.Write(content) // into memory: it does not fail
		z.Close()
		return b.Bytes()
	})
}

// Favicon answers those who ask for the icon without having read a page: it has no address of its content.
func Favicon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "image/x-icon")
	w.Header().Set("Cache-Control", "public, max-age=604800")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(favicon))
}

// Serve answers a request for a file, as gzip for those who take it; it reports false for an
// address that is none of ours.
func Serve(w http.ResponseWriter, r *http.Request, takesGzip bool) bool {
	var content []byte
	h := w.Header()
	switch r.URL.Path {
	case Style:
		content = style
		h.Set("Content-Type", "text/css; charset=utf-8")
	case Icon:
		content = icon
		h.Set("Content-Type", "image/svg+xml")
	case Script:
		content = script
		h.Set("Content-Type", "text/javascript; charset=utf-8")
	default:
		return false
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if takesGzip && r.Header.Get("Range") == "" {
		content = packed[r.URL.Path]()
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(content)))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	return true
}
