package static

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestFilesHaveAnAddressOfTheirContent(t *testing.T) {
	for url, kind := range map[string]string{Style: "text/css; charset=utf-8", Icon: "image/svg+xml", Script: "text/javascript; charset=utf-8"} {
		if !regexp.MustCompile(`^/static/[a-z]+\.[0-9a-f]{12}\.[a-z]+$`).MatchString(url) {
			t.Errorf("address %s", url)
		}
		w := httptest.NewRecorder()
		if !Serve(w, httptest.NewRequest("GET", url, nil), false) || w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %d bytes", url, w.Code, w.Body.Len())
		}
		if got := w.Header().Get("Content-Type"); got != kind {
			t.Errorf("%s is served as %s", url, got)
		}
		if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q", url, got)
		}
	}
}

func TestOtherAddressesAreNotServed(t *testing.T) {
	for _, url := range []string{"/static/style.css", "/static/style.000000000000.css", "/static/", "/static/../static.go"} {
		if Serve(httptest.NewRecorder(), httptest.NewRequest("GET", url, nil), false) {
			t.Errorf("%s was served", url)
		}
	}
}

// Trusted Types forbid what turns text into markup or code; the budget keeps the script an extra.
func TestTheScriptIsSmallAndBuildsWithText(t *testing.T) {
	if len(script) > 4000 {
		t.Errorf("live.js has %d bytes, more than 4000", len(script))
	}
	for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "setTimeout('", "import(", "http://", "https://", "cookie", "localStorage"} {
		if strings.Contains(string(script), word) {
			t.Errorf("live.js has %s", word)
		}
	}
}

func TestTheStyleAsksNobodyElse(t *testing.T) {
	for _, word := range []string{"@import", "http://", "https://", "@font-face"} {
		if strings.Contains(string(style), word) {
			t.Errorf("style.css has %s", word)
		}
	}
}
