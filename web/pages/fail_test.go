package pages

import (
	"net/http/httptest"
	"testing"

	"mxseal/web/rendering"
)

func TestWhoPrefersJSON(t *testing.T) {
	for accept, json := range map[string]bool{
		"":                      false,
		"*/*":                   false, // curl as it comes
		"application/json":      true,
		"application/json, */*": true,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false, // browsers
		"application/json;q=0.5, text/html":                               false,
		"text/html;q=0.5, application/json":                               true,
		"application/json;q=0":                                            false,
		";;;":                                                             false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", accept)
		if got := rendering.WantsJSON(r); got != json {
			t.Errorf("Accept %q: %v", accept, got)
		}
	}
}
