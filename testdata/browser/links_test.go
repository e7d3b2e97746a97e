package browser

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Whatever a page leads to is there, and so is the place on it.
func TestEveryLink(t *testing.T) {
	t.Parallel()
	must(t, site.Surveyed(t.Context()))
	test, err := site.TestSender(t.Context(), "ordinary", 1)
	must(t, err)
	begin := []string{"/", test}
	for _, domain := range []string{"hosted.test", "sts.test", "no-starttls.test", "takeover.test", "nothing.test"} {
		id, err := site.Ready(t.Context(), domain)
		must(t, err)
		begin = append(begin, "/check/"+domain, "/report/"+id)
	}
	if n := walk(t, site, "", begin...); n < 200 {
		t.Errorf("a walk over %d places only", n)
	}
}

// walk follows the links of a site, which calls itself base, from where it begins, and returns how many places
// it has seen.
func walk(t *testing.T, s *Site, base string, begin ...string) int {
	t.Helper()
	type link struct{ from, to string }
	var next []link
	for _, path := range begin {
		next = append(next, link{"a visitor", path})
	}
	places := make(map[string]map[string]bool) // by path and query: the ids on it, nil for what is no page
	for len(next) > 0 && len(places) < 3000 {
		l := next[0]
		next = next[1:]
		to, err := url.Parse(strings.TrimPrefix(strings.TrimPrefix(l.to, base), s.URL))
		if err != nil {
			t.Errorf("%s leads to %q: %v", l.from, l.to, err)
			continue
		}
		if to.Scheme != "" || to.Host != "" {
			continue // elsewhere
		}
		place := to.RequestURI()
		ids, known := places[place]
		if !known {
			status, there, links := read(t, s, place)
			// A domain without a report has a page that offers to check it.
			if status != http.StatusOK && !(status == http.StatusNotFound && strings.HasPrefix(place, "/check/")) {
				t.Errorf("%s leads to %s, which is %d", l.from, place, status)
			}
			ids, places[place] = there, there
			for _, relative := range links {
				if u, err := to.Parse(relative); err == nil {
					relative = u.String()
				}
				next = append(next, link{place, relative})
			}
		}
		if to.Fragment != "" && ids != nil && !ids[to.Fragment] {
			t.Errorf("%s leads to %s, where there is no %q", l.from, place, to.Fragment)
		}
	}
	return len(places)
}

// read reads a page: its ids, and what it links to and shows. What is no page has neither.
func read(t *testing.T, s *Site, place string) (status int, ids map[string]bool, links []string) {
	t.Helper()
	resp, err := s.client.Get(s.URL + place)
	must(t, err)
	defer resp.Body.Close()
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		_, err = io.Copy(io.Discard, resp.Body)
		must(t, err)
		return resp.StatusCode, nil, nil
	}
	ids = make(map[string]bool)
	for z := html.NewTokenizer(resp.Body); z.Next() != html.ErrorToken; {
		for _, a := range z.Token().Attr {
			switch a.Key {
			case "id":
				ids[a.Val] = true
			case "href", "src":
				links = append(links, a.Val)
			}
		}
	}
	return resp.StatusCode, ids, links
}
