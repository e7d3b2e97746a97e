package tlsreport

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode"

	"github.com/emersion/go-message"

	"mxseal/checks/report"
)

// Bounds of what reports come in.
const (
	mostArchive = 64 << 20 // octets of a ZIP, packed
	mostMail    = 32 << 20 // octets of a mail
	mostHeader  = 256 << 10
	mostParts   = 200 // of a mail, and files in a ZIP for each mail or file that it is in
	mostFiles   = 20_000
	mostNested  = 8 // one in the other
	peeked      = 512
)

// Found is a report, or why there is none.
type Found struct {
	Where string // file, mail, part
	*Report
	Err error
}

// Read hands on the reports in a file: JSON, one or several, gzip, ZIP, a mail or an mbox of mails,
// and one in the other. It holds one report at a time, and unpacks so many octets in all. The error
// is that of reading; what is no report is handed on, with the reason.
func Read(name string, in io.Reader, unpacked int64, take func(Found)) error {
	r := reader{take: take, left: unpacked}
	return r.read(at{name: report.Clean(path.Base(name), mostText)}, in)
}

// at is where something was found, and what is known of it from around.
type at struct {
	name   string
	depth  int
	env    envelope
	inMail bool // a part that is no report is none of our business
}

// in is a place within.
func (a at) in(name string) at {
	a.depth++
	if name != "" {
		a.name += ", " + report.Clean(name, mostText)
	}
	return a
}

type reader struct {
	take  func(Found)
	found int // reports and failures
	files int
	left  int64 // octets that may still be unpacked
}

var errUnpacked = errors.New("what is in it is too much to be unpacked")

func (r *reader) fail(a at, err error) {
	r.found++
	r.take(Found{Where: a.name, Err: err})
}

// read tells by its beginning what something is.
func (r *reader) read(a at, in io.Reader) error {
	if a.depth > mostNested {
		r.fail(a, fmt.Errorf("it is packed more than %d times", mostNested))
		return nil
	}
	a.env = a.env.named(a.name)
	b := bufio.NewReaderSize(in, 64<<10)
	head, err := b.Peek(peeked)
	if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
		return err
	}
	if mark := []byte("\ufeff"); bytes.HasPrefix(head, mark) { // as some editors begin a file
		b.Discard(len(mark))
		head = head[len(mark):]
	}
	head = bytes.TrimLeftFunc(head, unicode.IsSpace)
	switch {
	case len(head) == 0:
		if !a.inMail {
			r.fail(a, errors.New("it is empty"))
		}
		return nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return r.zip(a, b)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return r.gzip(a, b)
	case head[0] == '{', head[0] == '[':
		return r.json(a, b)
	case bytes.HasPrefix(head, []byte("From ")):
		return r.mbox(a, b)
	case isHeader(head):
		return r.mail(a, b)
	case !a.inMail:
		r.fail(a, errors.New("this is no TLS report: neither JSON nor gzip, ZIP, a mail or an mbox"))
	}
	return nil
}

// isHeader reports whether a text begins with a field of a mail.
func isHeader(head []byte) bool {
	name, _, found := bytes.Cut(head, []byte(":"))
	return found && len(name) > 0 && bytes.IndexFunc(name, func(c rune) bool { return c <= ' ' || c > '~' }) < 0
}

func (r *reader) gzip(a at, in io.Reader) error {
	a.env.packed = false
	z, err := gzip.NewReader(in)
	if err == nil {
		before := r.found
		if err = r.read(a.in(""), bounded{z, &r.left, errUnpacked}); err == nil || r.found > before {
			return nil
		}
	}
	r.fail(a, fmt.Errorf("its gzip cannot be read: %w", err))
	return nil
}

func (r *reader) zip(a at, in io.Reader) error {
	all, err := io.ReadAll(io.LimitReader(in, mostArchive+1))
	switch {
	case err != nil:
		return err
	case len(all) > mostArchive:
		r.fail(a, fmt.Errorf("it is a ZIP of more than %d MiB", mostArchive>>20))
		return nil
	}
	z, err := zip.NewReader(bytes.NewReader(all), int64(len(all)))
	if err != nil {
		r.fail(a, fmt.Errorf("its ZIP cannot be read: %w", err))
		return nil
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if r.files++; r.files > mostFiles {
			r.fail(a, fmt.Errorf("it has more than %d files", mostFiles))
			return nil
		}
		place := a.in(f.Name)
		part, err := f.Open()
		if err == nil {
			err = r.read(place, bounded{part, &r.left, errUnpacked})
			part.Close()
		}
		if err != nil {
			r.fail(place, fmt.Errorf("its ZIP cannot be read: %w", err))
		}
	}
	return nil
}

// json reads reports, one behind the other or in a list.
func (r *reader) json(a at, in io.Reader) error {
	var left int64
	d := json.NewDecoder(bounded{in, &left, errLong})
	for n := 0; ; n++ {
		var text json.RawMessage
		left = mostOctets
		switch err := d.Decode(&text); {
		case err == io.EOF:
			return nil
		case errors.Is(err, errLong):
			r.fail(a, err)
			return nil
		case err != nil:
			r.fail(a, fmt.Errorf("its JSON cannot be read: %s", report.Clean(err.Error(), mostText)))
			return nil
		}
		if text[0] != '[' {
			r.give(a, text)
			continue
		}
		var many list[json.RawMessage]
		if err := many.UnmarshalJSON(text); err != nil {
			r.fail(a, fmt.Errorf("its JSON cannot be read: %w", err))
			return nil
		}
		for _, one := range many.items {
			r.give(a, one)
		}
	}
}

func (r *reader) give(a at, text []byte) {
	out, err := decode(text, a.env)
	if err != nil {
		r.fail(a, err)
		return
	}
	if a.env.packed {
		out.note(NotPacked)
	}
	r.found++
	r.take(Found{Where: a.name, Report: out})
}

var errLong = fmt.Errorf("it is longer than %d MiB, unpacked; no report is", mostOctets>>20)

// bounded reads no more than is left, and fails with long where there is more.
type bounded struct {
	io.Reader
	left *int64
	long error
}

func (b bounded) Read(p []byte) (int, error) {
	if *b.left <= 0 {
		return 0, b.long
	}
	n, err := b.Reader.Read(p[:min(int64(len(p)), *b.left)])
	*b.left -= int64(n)
	return n, err
}

// mbox reads mails one behind the other.
func (r *reader) mbox(a at, in *bufio.Reader) error {
	for n := 1; ; n++ {
		m := &oneMail{in: in}
		if err := m.begin(); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		if err := r.mail(a.in(fmt.Sprintf("mail %d", n)), m); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, m); err != nil {
			return err
		}
	}
}

// mail looks into all parts of a mail.
func (r *reader) mail(a at, in io.Reader) error {
	m, err := message.ReadWithOptions(io.LimitReader(in, mostMail), &message.ReadOptions{MaxHeaderBytes: mostHeader})
	if m == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		r.fail(a, fmt.Errorf("the mail cannot be read: %s", report.Clean(fmt.Sprint(err), mostText)))
		return nil
	}
	before, parts := r.found, 0
	err = r.parts(a.of(m), m, &parts)
	switch {
	case err != nil:
		r.fail(a, fmt.Errorf("the mail cannot be read: %s", report.Clean(err.Error(), mostText)))
	case r.found == before && !a.inMail:
		r.fail(a, errors.New("this mail holds no TLS report"))
	}
	return nil
}

// of takes over what the fields of a mail say (RFC 8460 §5.3).
func (a at) of(m *message.Entity) at {
	if d := m.Header.Get("TLS-Report-Domain"); d != "" {
		a.env.domain = domainOf(report.Clean(strings.TrimSpace(d), mostText))
	}
	if s := m.Header.Get("TLS-Report-Submitter"); s != "" {
		a.env.submitter = report.Clean(strings.TrimSpace(s), mostText)
	}
	return a
}

func (r *reader) parts(a at, m *message.Entity, seen *int) error {
	if *seen++; *seen > mostParts || a.depth > mostNested {
		return fmt.Errorf("it has more than %d parts, or parts within %d others", mostParts, mostNested)
	}
	if many := m.MultipartReader(); many != nil {
		for {
			part, err := many.NextPart()
			if err == io.EOF {
				return nil
			}
			if part == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return err
			}
			if err := r.parts(a.in(""), part, seen); err != nil {
				return err
			}
		}
	}
	kind, params, _ := m.Header.ContentType()
	_, names, _ := m.Header.ContentDisposition()
	name := names["filename"]
	if name == "" {
		name = params["name"]
	}
	if strings.HasPrefix(kind, "text/") && !strings.Contains(name, ".json") {
		return nil
	}
	a = a.in(name)
	a.env.packed, a.inMail = strings.HasSuffix(kind, "gzip"), true
	return r.read(a, m.Body)
}

// named takes over what the name of a file says: submitter!domain!begin!end (RFC 8460 §5.1).
func (e envelope) named(where string) envelope {
	file := where[strings.LastIndex(where, ", ")+1:]
	if part := strings.Split(strings.TrimSpace(path.Base(file)), "!"); len(part) >= 4 {
		if e.submitter == "" {
			e.submitter = part[0]
		}
		if e.domain == "" {
			e.domain = domainOf(part[1])
		}
	}
	return e
}
