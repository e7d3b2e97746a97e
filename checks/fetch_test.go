package checks

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"mxseal/checks/lab"
)

// A file is fetched by HTTPS, as far as the wall and the bounds let it.
func TestFetch(t *testing.T) {
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	mux.HandleFunc("/list", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "example.org\n") })
	mux.HandleFunc("/on", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/list", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/inside", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://169.254.169.254/latest", http.StatusFound)
	})
	mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://example.org/", http.StatusFound)
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 1001)) })
	mux.HandleFunc("/whole", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 1000)) })

	engine := func(allow ...netip.Prefix) *Engine {
		e, err := New(Config{Resolvers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9")}, Allow: allow, Pace: -1,
			Roots: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	inside, outside := engine(netip.MustParsePrefix("127.0.0.1/32")), engine()
	for _, c := range []struct {
		by         *Engine
		at         string
		text, says string
	}{
		{inside, server.URL + "/list", "example.org\n", ""},
		{inside, server.URL + "/on", "example.org\n", ""},
		{inside, server.URL + "/whole", strings.Repeat("x", 1000), ""},
		{inside, server.URL + "/long", "", "more than 1000 octets"},
		{inside, server.URL + "/round", "", "more than 5 times"},
		{inside, server.URL + "/inside", "", "169.254.169.254"},
		{inside, server.URL + "/plain", "", "not https://"},
		{inside, server.URL + "/none", "", "404"},
		{inside, strings.Replace(server.URL, "https", "http", 1), "", "no https:// address"},
		{inside, "https://user:secret@example.org/", "", "no https:// address"},
		{outside, server.URL + "/list", "", "127.0.0.1"},
	} {
		text, err := fetchAll(t, c.by, c.at)
		if c.says == "" && (err != nil || text != c.text) || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %q, %v", c.at, text, err)
		}
	}
}

func fetchAll(t *testing.T, e *Engine, at string) (string, error) {
	t.Helper()
	body, err := e.Fetch(t.Context(), at, 1000)
	if err != nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), err
}

// By its name a web server is found as the engine finds all others, and its certificate has to fit.
func TestFetchByName(t *testing.T) {
	world, err := lab.New(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	e, err := New(Config{Resolvers: []netip.AddrPort{world.Resolver()}, Anchors: world.Anchors(), Roots: world.CA(), Allow: world.Networks(), Pace: -1, Dial: world.Dial})
	if err != nil {
		t.Fatal(err)
	}
	port := netip.AddrPortFrom(netip.IPv4Unspecified(), world.STSPort()).String()
	_, port, _ = strings.Cut(port, ":")
	text, err := fetchAll(t, e, "https://mta-sts.sts.test:"+port+"/.well-known/mta-sts.txt")
	if err != nil || !strings.HasPrefix(text, "version: STSv1") {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := fetchAll(t, e, "https://nothing.test:"+port+"/"); err == nil || !strings.Contains(err.Error(), "no address was found") {
		t.Error(err)
	}
}
