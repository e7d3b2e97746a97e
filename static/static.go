// Package static holds the files that pages refer to, built into the program.
//
// Every file has one address, which carries a digest of its content: browsers may keep it
// for ever, and a new release is seen at once.
package static

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed style.css
var style []byte

//go:embed icon.svg
var icon []byte

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

// Serve answers a request for a file; it reports false for an address that is none of ours.
func Serve(w http.ResponseWriter, r *http.Request) bool {
	var content []byte
	switch r.URL.Path {
	case Style:
		content = style
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
	case Icon:
		content = icon
		w.Header().Set("Content-Type", "image/svg+xml")
	case Script:
		content = script
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	default:
		return false
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	return true
}
