package tlsreport

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// usual is the example of RFC 8460 appendix B, in one line.
const usual = `{"organization-name":"Company-X","date-range":{"start-datetime":"2016-04-01T00:00:00Z","end-datetime":"2016-04-01T23:59:59Z"},"contact-info":"sts-reporting@company-x.example","report-id":"5065427c-23d3-47ca-b6e0-946ea0e8c4be","policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: testing","mx: *.mail.company-y.example","max_age: 86400"],"policy-domain":"company-y.example","mx-host":["*.mail.company-y.example"]},"summary":{"total-successful-session-count":5326,"total-failure-session-count":303},"failure-details":[{"result-type":"certificate-expired","sending-mta-ip":"2001:db8:abcd:0012::1","receiving-mx-hostname":"mx1.mail.company-y.example","failed-session-count":100},{"result-type":"starttls-not-supported","sending-mta-ip":"2001:db8:abcd:0013::1","receiving-mx-hostname":"mx2.mail.company-y.example","receiving-ip":"203.0.113.56","failed-session-count":200,"additional-information":"https://reports.company-x.example/report_info ? id = 5065427 c - 23 d3# StarttlsNotSupported "},{"result-type":"validation-failure","sending-mta-ip":"198.51.100.62","receiving-ip":"203.0.113.58","receiving-mx-hostname":"mx-backup.mail.company-y.example","failed-session-count":3,"failure-reason-code":"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"}]}]}`

func packed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.Bytes()
}

// often is a report that is packed so often.
func often(times int) []byte {
	b := []byte(usual)
	for range times {
		b = packed(string(b))
	}
	return b
}

func zipped(files map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, _ := z.Create(name)
		w.Write(text)
	}
	z.Close()
	return b.Bytes()
}

// mailed is a mail with a report as RFC 8460 §5.3 has it.
func mailed(kind, file string, body []byte) string {
	return "From: tlsrpt@mail.sender.example\r\nTo: tlsrpt@company-y.example\r\nSubject: Report Domain: company-y.example\r\n\tSubmitter: mail.sender.example\r\n" +
		"TLS-Report-Domain: company-y.example\r\nTLS-Report-Submitter: mail.sender.example\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/report; report-type=\"tlsrpt\"; boundary=\"b\"\r\n\r\nThis is a mail.\r\n--b\r\nContent-Type: text/plain; charset=\"us-ascii\"\r\n\r\n{not a report}\r\n--b\r\n" +
		"Content-Type: " + kind + "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"" + file + "\"\r\n\r\n" +
		base64.StdEncoding.EncodeToString(body) + "\r\n--b--\r\n"
}

func readAll(t testing.TB, name string, in io.Reader) (all []*Report, wrong []string) {
	t.Helper()
	err := Read(name, in, 1<<40, func(f Found) {
		if f.Err != nil {
			wrong = append(wrong, f.Where+": "+f.Err.Error())
			return
		}
		all = append(all, f.Report)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, wrong
}

// A report is the same in whatever it comes.
func TestWrappings(t *testing.T) {
	in := func(m string) string {
		return "From sender@example Sat Nov 28 00:00:00 2026\n" + strings.ReplaceAll(m, "\r\n", "\n") + "\n"
	}
	for name, c := range map[string]struct {
		body    []byte
		reports int
	}{
		"json":                  {[]byte(usual), 1},
		"json with mark":        {[]byte("\ufeff\n" + usual + "\n"), 1},
		"json lines":            {[]byte(usual + "\n" + usual + "\n"), 2},
		"list":                  {[]byte("[" + usual + "," + usual + "]"), 2},
		"gzip":                  {packed(usual), 1},
		"gzip twice":            {packed(string(packed(usual))), 1},
		"zip":                   {zipped(map[string][]byte{"a.json": []byte(usual), "d/b.json.gz": packed(usual)}), 2},
		"mail with gzip":        {[]byte(mailed("application/tlsrpt+gzip", "x!company-y.example!1!2.json.gz", packed(usual))), 1},
		"mail with json":        {[]byte(mailed("application/tlsrpt+json", "r.json", []byte(usual))), 1},
		"mail with octets":      {[]byte(mailed("application/octet-stream", "r.json.gz", packed(usual))), 1},
		"mail with zip":         {[]byte(mailed("application/zip", "r.zip", zipped(map[string][]byte{"a.json": []byte(usual)}))), 1},
		"mail in a mail":        {[]byte("Subject: fwd\r\nContent-Type: message/rfc822\r\n\r\n" + mailed("application/tlsrpt+gzip", "r", packed(usual))), 1},
		"mbox":                  {[]byte(in(mailed("application/tlsrpt+gzip", "r", packed(usual))) + in(mailed("application/tlsrpt+json", "r", []byte(usual)))), 2},
		"mbox as gzip":          {packed(in(mailed("application/tlsrpt+gzip", "r", packed(usual))) + in(mailed("application/tlsrpt+gzip", "r", packed(usual)))), 2},
		"json said to be gzip":  {[]byte(mailed("application/tlsrpt+gzip", "r.json.gz", []byte(usual))), 1},
		"mail without parts":    {[]byte("Subject: x\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(packed(usual))), 1},
		"mbox in a zip in gzip": {packed(string(zipped(map[string][]byte{"m": []byte(in(mailed("application/tlsrpt+gzip", "r", packed(usual))))}))), 1},
	} {
		t.Run(name, func(t *testing.T) {
			all, wrong := readAll(t, "file", bytes.NewReader(c.body))
			if len(all) != c.reports || len(wrong) > 0 {
				t.Fatalf("%d reports, want %d; %q", len(all), c.reports, wrong)
			}
			for _, r := range all {
				p := r.Policies[0]
				if r.Organization != "Company-X" || r.Start.Day() != 1 || p.Type != MTASTS || p.For != "company-y.example" || p.Mode() != "testing" || p.Succeeded != 5326 || p.Failed != 303 || len(p.Failures) != 3 || p.Failures[1].Result != StartTLSNotSupported {
					t.Errorf("%+v", r)
				}
				if odd := slices.Contains(r.Notes, NotPacked); odd != (name == "json said to be gzip") || len(r.Notes) > 1 {
					t.Errorf("notes %v", r.Notes)
				}
			}
		})
	}
}

// What real reporters do otherwise than the document.
func TestQuirks(t *testing.T) {
	body := func(dates, contact, policies string) string {
		return `{"organization-name":"X","date-range":` + dates + `,` + contact + `"report-id":"1","policies":` + policies + `}`
	}
	const days = `{"start-datetime":"2026-11-01T00:00:00Z","end-datetime":"2026-11-01T23:59:59Z"}`
	const contact = `"contact-info":"a@x.example",`
	policy := func(inner, sum, failures string) string {
		return `[{"policy":{` + inner + `},"summary":` + sum + `,"failure-details":` + failures + `}]`
	}
	const sts = `"policy-type":"sts","policy-domain":"y.example","mx-host":["mx.y.example"]`
	const sum = `{"total-successful-session-count":3,"total-failure-session-count":2}`
	const failures = `[{"result-type":"certificate-expired","receiving-mx-hostname":"mx.y.example","failed-session-count":2}]`
	usual := policy(sts, sum, failures)
	for name, c := range map[string]struct {
		file, text string
		notes      []Note
		see        func(*Report) bool
	}{
		"nothing unusual": {"", body(days, contact, usual), nil, func(r *Report) bool { return r.End.Hour() == 23 }},
		"dates without a zone": {"", body(`{"start-datetime":"2026-11-01T00:00:00","end-datetime":"2026-11-01 23:59:59"}`, contact, usual), []Note{NoZone},
			func(r *Report) bool {
				return r.Start.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) && r.End.Hour() == 23
			}},
		"days alone":   {"", body(`{"start-datetime":"2026-11-01","end-datetime":"2026-11-01"}`, contact, usual), []Note{NoZone}, func(r *Report) bool { return r.Start.Day() == 1 }},
		"an offset":    {"", body(`{"start-datetime":"2026-11-01T01:00:00+01:00","end-datetime":"2026-11-02T00:59:59+0100"}`, contact, usual), nil, func(r *Report) bool { return r.Start.Hour() == 0 && r.End.Hour() == 23 }},
		"seconds":      {"", body(`{"start-datetime":1793491200,"end-datetime":"1793577599"}`, contact, usual), nil, func(r *Report) bool { return r.Start.Equal(time.Unix(1793491200, 0)) }},
		"no dates":     {"", body(`null`, contact, usual), []Note{NoDates}, func(r *Report) bool { return r.Start.IsZero() }},
		"null contact": {"", body(days, `"contact-info":null,`, usual), []Note{NoContact}, func(r *Report) bool { return r.Contact == "" }},
		"no contact":   {"", body(days, ``, usual), []Note{NoContact}, nil},
		"mx-host as a text": {"", body(days, contact, policy(`"policy-type":"sts","policy-domain":"y.example","policy-string":"mode: enforce","mx-host":"mx.y.example"`, sum, failures)), nil, func(r *Report) bool {
			return r.Policies[0].MXHosts[0] == "mx.y.example" && r.Policies[0].Mode() == "enforce"
		}},
		"a policy in one text": {"", body(days, contact, policy(`"policy-type":"sts","policy-domain":"y.example","policy-string":["version: STSv1\r\nmode: enforce\r\nmx: a\r\n"]`, sum, failures)), nil, func(r *Report) bool {
			return strings.Join(r.Policies[0].Strings, "|") == "version: STSv1|mode: enforce|mx: a" && r.Policies[0].Mode() == "enforce"
		}},
		"its line ends escaped twice": {"", body(days, contact, policy(`"policy-type":"sts","policy-domain":"y.example","policy-string":"version: STSv1\\r\\nmode: enforce\\n"`, sum, failures)), nil, func(r *Report) bool {
			return r.Policies[0].Mode() == "enforce"
		}},
		"mx-host null":      {"", body(days, contact, policy(`"policy-type":"sts","policy-domain":"y.example","mx-host":null`, sum, failures)), nil, nil},
		"no server":         {"", body(days, contact, policy(sts, sum, `[{"result-type":"validation-failure","failed-session-count":2}]`)), []Note{NoServer}, func(r *Report) bool { return r.Policies[0].Failures[0].Sessions == 2 }},
		"does not add up":   {"", body(days, contact, policy(sts, `{"total-successful-session-count":3,"total-failure-session-count":7}`, failures)), []Note{SumDiffers}, func(r *Report) bool { return r.Policies[0].Failed == 7 }},
		"adds up to more":   {"", body(days, contact, policy(sts, `{"total-successful-session-count":3,"total-failure-session-count":0}`, failures)), []Note{SumDiffers}, func(r *Report) bool { return r.Policies[0].Failed == 2 }},
		"failures null":     {"", body(days, contact, policy(sts, `{"total-successful-session-count":3,"total-failure-session-count":0}`, `null`)), nil, func(r *Report) bool { return r.Policies[0].Failed == 0 }},
		"no policies":       {"", body(days, contact, `[]`), []Note{NoPolicies}, func(r *Report) bool { return len(r.Policies) == 0 }},
		"policies null":     {"", body(days, contact, `null`), []Note{NoPolicies}, nil},
		"one policy alone":  {"", body(days, contact, strings.Trim(usual, "[]")+"]}"), nil, nil},
		"counts as texts":   {"", body(days, contact, policy(sts, `{"total-successful-session-count":"3","total-failure-session-count":2.0}`, failures)), nil, func(r *Report) bool { return r.Policies[0].Succeeded == 3 && r.Policies[0].Failed == 2 }},
		"counts below zero": {"", body(days, contact, policy(sts, `{"total-successful-session-count":-3,"total-failure-session-count":2}`, failures)), nil, func(r *Report) bool { return r.Policies[0].Succeeded == 0 }},
		"no domain":         {"x.example!z.example!1!2!1.json", body(days, contact, policy(`"policy-type":"sts","mx-host":["mx.y.example"]`, sum, failures)), []Note{NoDomain}, func(r *Report) bool { return r.Policies[0].For == "z.example" }},
		"TLSA base domain": {"x.example!z.example!1!2.json", body(days, contact, policy(`"policy-type":"tlsa","policy-domain":"_25._tcp.MX.z.example.","mx-host":[]`, sum, failures)), []Note{BaseDomain}, func(r *Report) bool {
			return r.Policies[0].For == "z.example" && r.Policies[0].Domain == "mx.z.example"
		}},
		"no organization": {"x.example!y.example!1!2.json", strings.Replace(body(days, contact, usual), `"organization-name":"X",`, "", 1), nil, func(r *Report) bool { return r.Organization == "x.example" }},
		"hostile texts": {"", strings.Replace(body(days, contact, usual), `"X"`, `"\u001b[2J\u202e<script>`+strings.Repeat("x", 9999)+`"`, 1), nil, func(r *Report) bool {
			return len(r.Organization) <= mostText && !strings.ContainsAny(r.Organization, "\x1b\u202e")
		}},
		"an unknown failure": {"", body(days, contact, policy(sts, sum, `[{"result-type":"Something-New","receiving-ip":"192.0.2.1","failed-session-count":2}]`)), nil, func(r *Report) bool { return r.Policies[0].Failures[0].Result == "something-new" }},
	} {
		t.Run(name, func(t *testing.T) {
			file := c.file
			if file == "" {
				file = "r.json"
			}
			text := c.text
			if name == "one policy alone" {
				text = body(days, contact, usual[1:len(usual)-1])
			}
			all, wrong := readAll(t, file, strings.NewReader(text))
			if len(all) != 1 || len(wrong) > 0 {
				t.Fatalf("%d reports; %q", len(all), wrong)
			}
			if !slices.Equal(all[0].Notes, c.notes) {
				t.Errorf("notes %v, want %v", all[0].Notes, c.notes)
			}
			if c.see != nil && !c.see(all[0]) {
				t.Errorf("%+v", all[0])
			}
		})
	}
}

// endless is a text that repeats itself, up to a length.
type endless struct {
	text string
	left int
	at   int
}

func (e *endless) Read(p []byte) (n int, err error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	for n < len(p) && e.left > 0 {
		c := copy(p[n:], e.text[e.at:])
		n, e.left, e.at = n+c, e.left-c, (e.at+c)%len(e.text)
	}
	return n, nil
}

// What is too much is refused in a sentence, in bounded memory.
func TestHostileReports(t *testing.T) {
	bomb := func(head, repeated string, octets int) io.Reader {
		r, w := io.Pipe()
		go func() {
			z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
			io.WriteString(z, head)
			io.Copy(z, &endless{text: repeated, left: octets})
			w.CloseWithError(z.Close())
		}()
		return r
	}
	const start = `{"organization-name":"X","policies":[`
	for name, c := range map[string]struct {
		in   io.Reader
		want string
	}{
		"a gigabyte of blanks":   {bomb(start, strings.Repeat(" ", 1<<16), 1<<30), "longer than 8 MiB"},
		"a gigabyte of text":     {bomb(`{"organization-name":"`, strings.Repeat("x", 1<<16), 1<<30), "longer than 8 MiB"},
		"a million policies":     {strings.NewReader(start + strings.Repeat("{},", 1_000_000) + "{}]}"), "larger than any report"},
		"a million failures":     {strings.NewReader(start + `{"failure-details":[` + strings.Repeat("{},", 1_000_000) + "{}]}]}"), "larger than any report"},
		"policies of failures":   {strings.NewReader(start + strings.Repeat(`{"failure-details":[`+strings.Repeat("{},", 900)+"{}]},", 100) + "{}]}"), "larger than any report"},
		"nested without end":     {strings.NewReader(strings.Repeat("[", 1_000_000)), "cannot be read"},
		"gzip within gzip":       {bytes.NewReader(often(10)), "packed more than"},
		"half a gzip":            {bytes.NewReader(packed(usual)[:200]), "cannot be read"},
		"half a JSON":            {strings.NewReader(usual[:300]), "cannot be read"},
		"half a ZIP":             {bytes.NewReader(zipped(map[string][]byte{"a": []byte(usual)})[:100]), "ZIP cannot be read"},
		"a picture":              {strings.NewReader("\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 100)), "this is no TLS report"},
		"nothing":                {strings.NewReader(""), "it is empty"},
		"JSON of something else": {strings.NewReader(`{"hello":"world"}`), "this JSON is no TLS report"},
		"a mail of no report":    {strings.NewReader("Subject: hi\r\n\r\nhello\r\n"), "this mail holds no TLS report"},
		"a mail of many parts":   {strings.NewReader("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 5000) + "--b--\r\n"), "more than 200 parts"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			all, wrong := readAll(t, "file", c.in)
			runtime.ReadMemStats(&after)
			if len(all) != 0 || len(wrong) != 1 || !strings.Contains(wrong[0], c.want) {
				t.Errorf("%d reports; %q, want %q", len(all), wrong, c.want)
			}
			if grown := after.Sys - before.Sys; grown > 400<<20 {
				t.Errorf("%d MiB more", grown>>20)
			}
		})
	}
}

// BenchmarkTenThousandReports reads an mbox of 10,000 reports of 100 sessions each.
func BenchmarkTenThousandReports(b *testing.B) {
	for b.Loop() {
		r, w := io.Pipe()
		go func() {
			for i := range 10_000 {
				text := strings.Replace(usual, "5065427c", fmt.Sprint(i), 1)
				fmt.Fprintf(w, "From x@example Sat Nov 28 00:00:00 2026\n%s\n", mailed("application/tlsrpt+gzip", "r.json.gz", packed(text)))
			}
			w.Close()
		}()
		sum := NewSummary()
		if err := Read("mbox", r, 1<<40, func(f Found) { sum.Add(f.Report) }); err != nil || sum.Reports != 10_000 {
			b.Fatal(err, sum.Reports)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(usual))
	f.Add(packed(usual))
	f.Add([]byte(mailed("application/tlsrpt+gzip", "r", packed(usual))))
	f.Add(zipped(map[string][]byte{"a.json": []byte(usual)}))
	f.Fuzz(func(t *testing.T, in []byte) {
		sum := NewSummary()
		Read("file", bytes.NewReader(in), 64<<20, func(f Found) {
			if f.Err == nil {
				sum.Add(f.Report)
			}
		})
		sum.Domains()
	})
}

// What is unpacked has a bound in all, over however many files.
func TestUnpackedInAll(t *testing.T) {
	files := make(map[string][]byte)
	for i := range 100 {
		files[fmt.Sprint(i)] = []byte(usual + strings.Repeat(" ", 100_000))
	}
	n, wrong := 0, 0
	err := Read("many.zip", bytes.NewReader(zipped(files)), 1_000_000, func(f Found) {
		if f.Err == nil {
			n++
			return
		}
		if wrong++; !strings.Contains(f.Err.Error(), "too much to be unpacked") {
			t.Error(f.Err)
		}
	})
	if err != nil || n > 10 || n < 9 || n+wrong > 101 {
		t.Errorf("%d reports, %d failures, %v", n, wrong, err)
	}
}
