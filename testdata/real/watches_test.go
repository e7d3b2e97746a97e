package real

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/mail"
	"net/smtp"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxseal/testdata/daemon"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

// watched is a domain that somebody watches, its real Postfix, which also takes the messages, and a real nginx
// that takes webhooks or does not.
type watched struct {
	*post
	inbox store.Inbox // for TLS reports
	site  *daemon.Daemon
	http  *http.Client
}

const watchSite = "https://mxseal.test"

// Who watches a domain by mail is told by a Postfix, and by webhook by an nginx, when the server of the domain has
// a new key that the TLSA record does not name: after the second look, once.
func TestWatches(t *testing.T) {
	w := &watched{post: newPost(t, "watches", map[string]string{"nsd": "198.18.255.1", "unbound": "198.18.255.2", "postfix": "198.18.255.11", "hooks": "198.18.255.12", "site": "198.18.255.13"})}
	w.publish()
	etc := w.configure("watches")
	w.begin(w.IP["hooks"]+":443", "usr/sbin/nginx", "-c", etc+"/nginx.conf")
	w.silent()
	w.withInbox()
	w.Env = append(w.Env, "SSL_CERT_FILE="+filepath.Join(w.Dir, "ca.pem")) // for the server that takes its mail
	w.begins()

	w.ask("me@box.test")
	w.ask("https://hooks.box.test/good")
	for _, address := range []string{"slow", "moved"} {
		w.ask("https://hooks.box.test/" + address)
	}
	w.ask("https://private.box.test/")
	w.ask("https://hooks.box.test/failing")
	if said := w.Read("mxseal.out"); !strings.Contains(said, "The key that signs our messages is published at one._domainkey.box.test.") {
		t.Errorf("of the key it says: %s", said)
	}
	w.confirm(linkOf(w.letter(1)))
	w.confirm(w.hook("/good", 1).Data.Confirm)
	w.until("a message to a receiver that failed", func() bool { return w.tries("failing") == 1 })
	w.mend()
	w.confirm(w.hook("/failing", 1).Data.Confirm)

	w.report()

	w.looks(1)
	w.certificate() // with another key, and nobody has changed the TLSA record
	w.looks(2)
	if n := len(w.letters()); n != 1 {
		t.Errorf("%d messages after the first look that saw it", n)
	}
	w.looks(3)
	text := w.letter(2)
	for _, want := range []string{"Subject: watched.test: Mail is being rejected: DANE is broken", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", watchSite + "/report/"} {
		if !strings.Contains(unfolded(text), want) {
			t.Errorf("the message has no %q:\n%s", want, text)
		}
	}
	w.signed(text)
	for _, to := range []string{"/good", "/failing"} {
		if told := w.hook(to, 2); told.Type != "watch.changed" || len(told.Data.Events) == 0 || told.Data.Events[0].Kind != "broken" {
			t.Errorf("%s was told %+v", to, told)
		}
	}
	w.looks(4)
	if letters, hooks := len(w.letters()), len(w.hooks("/good")); letters != 2 || hooks != 2 {
		t.Errorf("after one more look: %d messages by mail, %d by webhook", letters, hooks)
	}
	w.until("the answer of the receiver that is slow", func() bool { return w.failure("slow") != "" })
	for to, why := range map[string]string{"hooks.box.test/slow": "timeout", "hooks.box.test/moved": "redirects are not followed", "private.box.test/": "10.1.2.3 is not contacted"} {
		if got := w.failure(to); !strings.Contains(got, why) {
			t.Errorf("%s: %q, not %q", to, got, why)
		}
	}
	w.end(text)
}

// silent is behind the receiver that is slow: it takes connections and says nothing.
func (w *watched) silent() {
	w.t.Helper()
	var l net.Listener
	w.must(w.space.Do(func() (err error) { l, err = net.Listen("tcp4", w.IP["hooks"]+":8082"); return err }))
	w.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.t.Cleanup(func() { c.Close() })
		}
	}()
}

// publish writes the zones and everything that has a key.
func (w *watched) publish() {
	w.t.Helper()
	w.inbox = store.Inbox{Token: store.NewID(), Key: store.NewID(), Domain: "watched.test", Made: time.Now()}
	w.must(os.WriteFile(filepath.Join(w.Dir, "ca.pem"), block("CERTIFICATE", authority.root), 0o644))
	w.must(os.WriteFile(filepath.Join(w.Dir, "failing.conf"), []byte("return 500;\n"), 0o644))
	w.must(os.Mkdir(filepath.Join(w.Dir, "mail"), 0o755))
	w.must(os.Chown(filepath.Join(w.Dir, "mail"), 65534, 65534))
	w.certificateFile("hooks", []string{"hooks.box.test"}, nil)
	tlsa, err := tlsaOf("3 1 1", w.certificate())
	w.must(err)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	w.must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	w.must(err)
	w.must(os.WriteFile(filepath.Join(w.Dir, "dkim.pem"), block("PRIVATE KEY", private), 0o600))
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	w.must(err)
	dkim := "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
	records := "ns.test. A " + w.IP["nsd"] + "\n" + strings.ReplaceAll(`
box.test. MX 10 mail.box.test.
mail.box.test. A MAIL
watched.test. MX 10 mail.watched.test.
mail.watched.test. A MAIL
`, "MAIL", w.IP["postfix"]) + "_25._tcp.mail.watched.test. TLSA " + tlsa + "\nhooks.box.test. A " + w.IP["hooks"] + "\nprivate.box.test. A 10.1.2.3\n" +
		"_smtp._tls.watched.test. TXT \"v=TLSRPTv1; rua=mailto:" + w.inbox.Token + "@reports.test\"\n" +
		fmt.Sprintf("one._domainkey.box.test. TXT %q %q\n", dkim[:200], dkim[200:])
	ds, err := w.signZone("test.", records, "ECDSAP256SHA256")
	w.must(err)
	ds, err = w.signZone(".", "test. NS ns.test.\nns.test. A "+w.IP["nsd"]+"\n"+ds, "RSASHA256")
	w.must(err)
	w.must(os.WriteFile(filepath.Join(w.Dir, "anchor"), []byte(ds), 0o644))
}

// certificate gives Postfix one with a new key.
func (w *watched) certificate() (der []byte) {
	w.t.Helper()
	file := w.certificateFile("next", []string{"mail.box.test", "mail.watched.test"}, nil)
	w.must(os.Rename(file, filepath.Join(w.Dir, "server.pem")))
	text, err := os.ReadFile(filepath.Join(w.Dir, "server.pem"))
	w.must(err)
	_, text = pem.Decode(text) // the key
	leaf, _ := pem.Decode(text)
	return leaf.Bytes
}

// withInbox has an inbox for the TLS reports of the domain.
func (w *watched) withInbox() {
	w.t.Helper()
	w.must(os.Mkdir(filepath.Join(w.Dir, "data"), 0o750))
	s, err := sqlite.Open(filepath.Join(w.Dir, "data", "mxseal.db"))
	w.must(err)
	defer s.Close()
	_, err = s.AddInbox(w.t.Context(), w.inbox, 1)
	w.must(err)
}

const tlsReport = "From: reporter@box.test\r\nTo: reports\r\nDate: Sun, 29 Nov 2026 00:00:00 +0000\r\nSubject: Report Domain: watched.test\r\nMIME-Version: 1.0\r\nContent-Type: application/tlsrpt+json\r\n\r\n" +
	`{"organization-name":"Box","report-id":"1","date-range":{"start-datetime":"2026-11-28T00:00:00Z","end-datetime":"2026-11-28T23:59:59Z"},"contact-info":"reporter@box.test",` + "\r\n" +
	`"policies":[{"policy":{"policy-type":"no-policy-found","policy-domain":"watched.test"},"summary":{"total-successful-session-count":3,"total-failure-session-count":0}}]}` + "\r\n"

// report brings a TLS report by mail: as anybody could, and as dkimpy signs it.
func (w *watched) report() {
	w.t.Helper()
	c := exec.Command("dkimsign", "one", "box.test", filepath.Join(w.Dir, "dkim.pem"))
	c.Stdin = strings.NewReader(tlsReport)
	signed, err := c.Output()
	w.must(err)
	for _, m := range []struct{ text, answer string }{{tlsReport, "550"}, {string(signed), ""}} {
		var conn net.Conn
		w.must(w.space.Do(func() (err error) { conn, err = net.Dial("tcp4", w.IP["site"]+":25"); return err }))
		s, err := smtp.NewClient(conn, "reports.test")
		w.must(err)
		w.must(errors.Join(s.Mail("reporter@box.test"), s.Rcpt(w.inbox.Token+"@reports.test")))
		data, err := s.Data()
		w.must(err)
		io.WriteString(data, m.text)
		switch err := data.Close(); {
		case m.answer == "" && err != nil, m.answer != "" && (err == nil || !strings.HasPrefix(err.Error(), m.answer)):
			w.t.Errorf("a report is answered by %v, not %q:\n%s", err, m.answer, m.text)
		}
		s.Close()
	}
	r, err := w.http.Get(strings.Replace(watchSite, "https:", "http:", 1) + "/tlsrpt/" + w.inbox.Key)
	w.must(err)
	defer r.Body.Close()
	if page, err := io.ReadAll(r.Body); err != nil || !strings.Contains(string(page), "1 report, the last on") {
		w.t.Errorf("the inbox has no report: %v\n%s", err, page)
	}
}

// begins starts the program.
func (w *watched) begins() {
	w.t.Helper()
	at := w.IP["site"] + ":8080"
	w.must(w.space.Do(func() (err error) {
		w.site, err = w.Start("mxseal", w.Accepts(at), the.program(), "serve", "--data", filepath.Join(w.Dir, "data"), "--listen", at, "--admin-listen", "",
			"--base-url", watchSite, "--trusted-proxy", w.IP["site"], "--resolver", w.IP["unbound"], "--trust-anchor", filepath.Join(w.Dir, "anchor"),
			"--ca-file", filepath.Join(w.Dir, "ca.pem"), "--allow-net", "198.18.0.0/15", "--helo", "mail.box.test", "--webhooks", "--tlsrpt-domain", "reports.test", "--tlsrpt-listen", w.IP["site"]+":25",
			"--mail-server", "mail.box.test:25", "--mail-from", "alerts@box.test", "--dkim-key", filepath.Join(w.Dir, "dkim.pem"), "--dkim-selector", "one")
		return err
	}))
	w.http = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (c net.Conn, err error) {
			err = w.space.Do(func() (err error) { c, err = net.Dial("tcp4", at); return err })
			return c, err
		}}}
}

// posts sends a form to the site.
func (w *watched) posts(address string, form url.Values) *http.Response {
	w.t.Helper()
	r, err := w.http.PostForm(strings.Replace(address, "https:", "http:", 1), form)
	w.must(err)
	r.Body.Close()
	return r
}

func (w *watched) ask(target string) {
	w.t.Helper()
	if r := w.posts(watchSite+"/watch", url.Values{"domain": {"watched.test"}, "target": {target}}); r.StatusCode != http.StatusAccepted {
		w.t.Fatalf("a watch for %s: %s", target, r.Status)
	}
}

func (w *watched) confirm(link string) {
	w.t.Helper()
	if r := w.posts(link, nil); r.StatusCode != http.StatusSeeOther {
		w.t.Fatalf("%s: %s", link, r.Status)
	}
}

// looks lets an hour go by, by which all that is kept is made older, and waits for the nth look.
func (w *watched) looks(n int) {
	w.t.Helper()
	w.site.Stop()
	w.change(func(db *sql.DB) error {
		if err := older(db, `SELECT key, CAST(state AS BLOB) FROM watches WHERE confirmed > 0`, `UPDATE watches SET state = coalesce(CAST(? AS TEXT), ''), looked = looked - 3600000, next = unixepoch() * 1000 WHERE key = ?`, anHourOlder); err != nil {
			return err
		}
		return older(db, `SELECT id, body FROM reports`, `UPDATE reports SET body = ?, checked_at = checked_at - 3600000 WHERE id = ?`, func(body []byte) []byte {
			z, err := gzip.NewReader(bytes.NewReader(body))
			w.must(err)
			text, err := io.ReadAll(z)
			w.must(err)
			var b bytes.Buffer
			packed := gzip.NewWriter(&b)
			packed.Write(anHourOlder(text))
			w.must(packed.Close())
			return b.Bytes()
		})
	})
	w.begins()
	w.until(fmt.Sprintf("look %d", n), func() (done bool) {
		w.change(func(db *sql.DB) error {
			return db.QueryRow(`SELECT min(looked) > ? FROM watches WHERE confirmed > 0`, time.Now().Add(-30*time.Minute).UnixMilli()).Scan(&done)
		})
		return done
	})
}

// older changes what a query has found: a key, and what is to be made older.
func older(db *sql.DB, query, update string, change func([]byte) []byte) error {
	rows, err := db.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	all := make(map[string][]byte)
	for rows.Next() {
		var key string
		var text []byte
		if err := rows.Scan(&key, &text); err != nil {
			return err
		}
		all[key] = change(text)
	}
	for key, text := range all {
		if _, err := db.Exec(update, text, key); err != nil {
			return err
		}
	}
	return rows.Err()
}

var moment = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]+Z"`)

// anHourOlder is JSON all of whose moments are an hour earlier.
func anHourOlder(text []byte) []byte {
	return moment.ReplaceAllFunc(text, func(text []byte) []byte {
		at, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(text))
		if err != nil {
			return text
		}
		return []byte(at.Add(-time.Hour).Format(`"` + time.RFC3339Nano + `"`))
	})
}

// change opens the file of the program.
func (w *watched) change(do func(*sql.DB) error) {
	w.t.Helper()
	s, err := sqlite.Open(filepath.Join(w.Dir, "data", "mxseal.db"))
	w.must(err)
	defer s.Close()
	w.must(do(s.Writer()))
}

// failure is why the last try to deliver to a target failed; tries is how many there were.
func (w *watched) failure(target string) (why string) {
	w.change(func(db *sql.DB) error {
		return db.QueryRow(`SELECT error FROM watch_messages m JOIN watches w ON w.key = m.watch WHERE w.target LIKE '%' || ?`, target).Scan(&why)
	})
	return why
}

func (w *watched) tries(target string) (n int) {
	w.change(func(db *sql.DB) error {
		return db.QueryRow(`SELECT tries FROM watch_messages m JOIN watches w ON w.key = m.watch WHERE w.target LIKE '%' || ?`, target).Scan(&n)
	})
	return n
}

// mend has the receiver that fails take what comes.
func (w *watched) mend() {
	w.t.Helper()
	w.must(os.WriteFile(filepath.Join(w.Dir, "failing.conf"), []byte("proxy_pass http://"+w.IP["hooks"]+":8081;\n"), 0o644))
	var pid int
	_, err := fmt.Sscan(w.Read("nginx.pid"), &pid)
	w.must(err)
	w.must(syscall.Kill(pid, syscall.SIGHUP))
}

func (w *watched) until(what string, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(90 * time.Second); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s does not come; the program: %s\nPostfix: %s\nnginx: %s", what, w.Read("mxseal.out"), w.Read("postfix.log"), w.Read("nginx.log"))
		}
	}
}

// letters are the messages that Postfix has delivered, by the time of delivery.
func (w *watched) letters() (texts []string) {
	files, err := filepath.Glob(filepath.Join(w.Dir, "mail/all/new/*"))
	w.must(err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		w.must(err)
		texts = append(texts, string(text))
	}
	return texts
}

// letter is the nth of them.
func (w *watched) letter(n int) string {
	w.t.Helper()
	w.until(fmt.Sprintf("message %d", n), func() bool { return len(w.letters()) >= n })
	return w.letters()[n-1]
}

func linkOf(text string) string {
	return regexp.MustCompile(watchSite + `/watch/confirm/\w+`).FindString(text)
}

func unfolded(text string) string {
	return regexp.MustCompile(`\r?\n[ \t]`).ReplaceAllString(text, " ")
}

// called is what a webhook has said.
type called struct {
	Type string
	Data struct {
		Confirm string
		Events  []struct{ Kind, Title string }
	}
}

// hooks are those that came to a path and were taken, each with a signature that holds.
func (w *watched) hooks(path string) (all []called) {
	w.t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(w.Read("hooks.log"))); lines.Scan(); {
		var line struct {
			To, ID, At, Signature, Body string
			Status                      int
		}
		w.must(json.Unmarshal(lines.Bytes(), &line))
		if line.To != path || line.Status/100 != 2 {
			continue
		}
		mac := hmac.New(sha256.New, w.secret(path))
		io.WriteString(mac, line.ID+"."+line.At+"."+line.Body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); line.Signature != want {
			w.t.Errorf("%s: the signature is %s, not %s", path, line.Signature, want)
		}
		var one called
		w.must(json.Unmarshal([]byte(line.Body), &one))
		all = append(all, one)
	}
	return all
}

// hook is the nth of them.
func (w *watched) hook(path string, n int) called {
	w.t.Helper()
	w.until(fmt.Sprintf("webhook %d to %s", n, path), func() bool { return len(w.hooks(path)) >= n })
	return w.hooks(path)[n-1]
}

// secret is that of the watch which tells a path.
func (w *watched) secret(path string) []byte {
	var text string
	w.change(func(db *sql.DB) error {
		return db.QueryRow(`SELECT secret FROM watches WHERE target LIKE '%' || ?`, path).Scan(&text)
	})
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	w.must(err)
	return key
}

// signed has OpenDKIM look at the signature of a message.
func (w *watched) signed(text string) {
	w.t.Helper()
	header, body, _ := strings.Cut(text, "\n\n")
	for strings.HasPrefix(header, "Return-Path:") || strings.HasPrefix(header, "X-Original-To:") || strings.HasPrefix(header, "Delivered-To:") {
		_, header, _ = strings.Cut(header, "\n")
	}
	c := exec.Command("opendkim-testmsg")
	c.Stdin = strings.NewReader(strings.ReplaceAll(header+"\n\n"+body, "\n", "\r\n"))
	var out []byte
	if err := w.space.Do(func() (err error) { out, err = c.CombinedOutput(); return err }); err != nil {
		w.t.Errorf("OpenDKIM: %v: %s\n%s", err, out, text)
	}
}

// end ends the watch by the one click that a message offers (RFC 8058).
func (w *watched) end(text string) {
	w.t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	w.must(err)
	if r := w.posts(strings.Trim(m.Header.Get("List-Unsubscribe"), "<>"), url.Values{"List-Unsubscribe": {"One-Click"}}); r.StatusCode != http.StatusOK {
		w.t.Errorf("one click: %s", r.Status)
	}
	var left int
	w.change(func(db *sql.DB) error {
		return db.QueryRow(`SELECT count(*) FROM watches WHERE target LIKE 'me@%'`).Scan(&left)
	})
	if left != 0 {
		w.t.Error("the watch goes on")
	}
}
