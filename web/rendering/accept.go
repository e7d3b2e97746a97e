package rendering

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// PlainText is the media type of text.
const PlainText = "text/plain; charset=utf-8"

// wish is how much a client wants each of the forms in which we answer (RFC 9110 §12.5.1); 0 where it
// names none of their media types.
type wish struct{ data, page, text float64 }

func wishOf(r *http.Request) (w wish) {
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if v, err := strconv.ParseFloat(params["q"], 64); err == nil {
			q = v
		}
		switch kind {
		case "application/json", "application/problem+json":
			w.data = max(w.data, q)
		case "text/html", "application/xhtml+xml":
			w.page = max(w.page, q)
		case "text/plain":
			w.text = max(w.text, q)
		}
	}
	return w
}

func (w wish) forData() bool { return w.data > w.page }
func (w wish) forText() bool { return w.text > max(w.data, w.page) }

// WantsJSON reports whether the client prefers JSON to a page.
func WantsJSON(r *http.Request) bool { return wishOf(r).forData() }

// WantsText reports whether it prefers plain text to both.
func WantsText(r *http.Request) bool { return wishOf(r).forText() }

// WantsPage reports whether it prefers neither JSON nor plain text to a page.
func WantsPage(r *http.Request) bool {
	w := wishOf(r)
	return !w.forData() && !w.forText()
}
