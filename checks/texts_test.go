package checks_test

import (
	"slices"
	"testing"

	"mxseal/checks/lab"
)

// A look-up of texts tells those that are there and none at all from what nobody can know.
func TestTexts(t *testing.T) {
	_, e := world(t, lab.Options{}, nil)
	for name, want := range map[string]struct {
		texts []string
		known bool
	}{
		"_smtp._tls.perfect.test": {[]string{"v=TLSRPTv1; rua=mailto:tls@reports.test"}, true},
		"nothing.perfect.test":    {nil, true},
		"_smtp._tls.bogus.test":   {nil, false},
	} {
		if texts, known := e.Texts(t.Context(), name); !slices.Equal(texts, want.texts) || known != want.known {
			t.Errorf("%s: %q, known %v", name, texts, known)
		}
	}
}
