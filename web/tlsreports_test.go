package web

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mxseal/web/api"
)

const tlsReport = `{"organization-name":"<b>a.example","contact-info":"a@a.example","report-id":"1","date-range":{"start-datetime":"2026-11-08T00:00:00Z","end-datetime":"2026-11-08T23:59:59Z"},"policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: testing"],"policy-domain":"example.net"},"summary":{"total-successful-session-count":90,"total-failure-session-count":10},"failure-details":[{"result-type":"certificate-expired","receiving-mx-hostname":"mx1.example.net","failed-session-count":10,"failure-reason-code":"<script>"}]}]}`

// dropped is a request with files.
func dropped(files ...string) (body, kind string) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	m.WriteField("note", "no file")
	for i := 0; i+1 < len(files); i += 2 {
		part, _ := m.CreateFormFile("report", files[i])
		io.WriteString(part, files[i+1])
	}
	m.Close()
	return b.String(), m.FormDataContentType()
}

// What is dropped is read, shown, and kept nowhere.
func TestTLSReportsAreRead(t *testing.T) {
	w := newWorld(t)
	want(t, w.ask("GET", "/tlsrpt", ""), 200, `enctype="multipart/form-data"`, `type="file"`, "and forgotten")
	body, kind := dropped("r.json", tlsReport, "again.json", tlsReport, "notes.txt", "buy milk")
	rec := w.ask("POST", "/tlsrpt", body, "Content-Type", kind)
	want(t, rec, 200, ">example.net</h2>", "Safe to enforce MTA-STS? No.", "mx1.example.net", "The certificate had expired.", "&lt;b&gt;a.example", "“&lt;script&gt;”",
		"1 report came more than once", "notes.txt: this is no TLS report")
	if h := rec.Header(); h.Get("Cache-Control") != "no-store" || strings.Contains(rec.Body.String(), "<script>") {
		t.Errorf("%v", h)
	}
	want(t, w.ask("POST", "/tlsrpt", body, "Content-Type", kind, "Accept", "application/json"), 200, `"result":"certificate-expired"`, `"answer":"no"`)

	body, kind = dropped("notes.txt", "buy milk")
	want(t, w.ask("POST", "/tlsrpt", body, "Content-Type", kind), 422, "notes.txt: this is no TLS report", `type="file"`)
	body, kind = dropped()
	want(t, w.ask("POST", "/tlsrpt", body, "Content-Type", kind), 400, "Nothing arrived")
	want(t, w.ask("POST", "/tlsrpt", "domain=example.org"), 400, "Nothing arrived")
	body, kind = dropped("r.json", strings.Repeat(" ", reportsLimit))
	want(t, w.ask("POST", "/tlsrpt", body, "Content-Type", kind), 413, "mxseal tlsrpt")
	body, kind = dropped("r.json", strings.Repeat(" ", api.BodyLimit))
	want(t, w.ask("POST", "/check", body, "Content-Type", kind), 400)
	want(t, w.ask("POST", "/tlsrpt", body, "Content-Type", kind, "Origin", "https://elsewhere.example"), 403)
}

// Four may drop reports at a time, and one client so often in a minute.
func TestWhoDropsTLSReports(t *testing.T) {
	w := newWorld(t)
	body, kind := dropped("r.json", tlsReport)
	var holding []*io.PipeWriter
	ended := make(chan int)
	for range 4 {
		r, in := io.Pipe()
		req := httptest.NewRequest("POST", "/tlsrpt", r)
		req.Header.Set("Content-Type", kind)
		go func() {
			rec := httptest.NewRecorder()
			w.ServeHTTP(rec, req)
			ended <- rec.Code
		}()
		io.WriteString(in, body[:50]) // it is being read
		holding = append(holding, in)
	}
	want(t, w.ask("POST", "/tlsrpt", body, "Content-Type", kind), 503)
	for _, in := range holding {
		io.WriteString(in, body[50:])
		in.Close()
		if code := <-ended; code != 200 {
			t.Errorf("one who was slow got %d", code)
		}
	}
	want(t, w.ask("POST", "/tlsrpt", body, "Content-Type", kind), 200)
	for range 40 {
		if w.ask("POST", "/tlsrpt", body, "Content-Type", kind).Code == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("there is no end")
}
