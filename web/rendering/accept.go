package rendering

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Weight is how much a client wants one of some media types (RFC 9110 §12.5.1); 0 where it names
// none of them.
func Weight(r *http.Request, kinds ...string) (weight float64) {
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if v, err := strconv.ParseFloat(params["q"], 64); err == nil {
			q = v
		}
		for _, k := range kinds {
			if k == kind {
				weight = max(weight, q)
			}
		}
	}
	return weight
}

// PlainText is the media type of text.
const PlainText = "text/plain; charset=utf-8"

var ofData, ofPages = []string{"application/json", "application/problem+json"}, []string{"text/html", "application/xhtml+xml"}

// WantsJSON reports whether the client prefers JSON to a page.
func WantsJSON(r *http.Request) bool { return Weight(r, ofData...) > Weight(r, ofPages...) }

// WantsText reports whether it prefers plain text to both.
func WantsText(r *http.Request) bool {
	return Weight(r, "text/plain") > max(Weight(r, ofData...), Weight(r, ofPages...))
}
