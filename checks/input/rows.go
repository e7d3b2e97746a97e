package input

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"unicode"
)

// Rows reads a list with a domain in each line and labels behind it if there are any, as people, spreadsheets
// and rankings write it: with commas, semicolons or tabs in between, also in quotes; below a line of headings,
// which says where the domains stand; or with a number in front of each.
type Rows struct {
	*Lines

	began  bool // the line that may hold headings was read
	column int  // of the domains
}

// NewRows returns a reader of such a list.
func NewRows(from io.Reader) *Rows { return &Rows{Lines: NewLines(from)} }

// Next returns what stands in the next line where a domain is due, as it was typed, and what stands behind
// that. It may be nothing. io.EOF stands for no more lines.
func (r *Rows) Next() (domain string, labels []string, err error) {
	text, err := r.Lines.Next()
	if err != nil || text == "" {
		return "", nil, err
	}
	fields := split(text)
	if !r.began {
		r.began = true
		if at := headed(fields); at >= 0 {
			r.column = at
			return "", nil, nil
		}
	}
	at := r.column
	if at == 0 && len(fields) > 1 && fields[0] != "" && strings.Trim(fields[0], "0123456789") == "" {
		at = 1
	}
	if at >= len(fields) {
		return text, nil, nil // what is wrong is said of all of it
	}
	return fields[at], fields[at+1:], nil
}

// split returns the fields of a line, without white space around them.
func split(text string) []string {
	fields := []string{text}
	if strings.HasSuffix(text, ">") { // an address as mail programs write it
		return fields
	}
	const separators = ",;\t"
	if at := strings.IndexAny(text, separators); at >= 0 {
		fields = strings.Split(text, text[at:at+1])
	}
	if strings.Contains(text, `"`) {
		most := 0
		for _, separator := range separators {
			line := csv.NewReader(strings.NewReader(text))
			line.Comma, line.TrimLeadingSpace = separator, true
			if read, err := line.Read(); err == nil && len(read) > most {
				fields, most = read, len(read)
			}
		}
	}
	for i, f := range fields {
		fields[i] = strings.TrimSpace(f)
	}
	return fields
}

// titles are words in headings above domains, the surest first.
var titles = [][]string{
	{"domain", "domains", "domainname", "domein", "domeinnaam", "domäne", "domänen", "domaine", "dominio"},
	{"host", "hostname", "website", "url"},
	{"name"},
}

// headed says which of the headings of a list stands above domains, -1 where these are none.
func headed(fields []string) int {
	if slices.ContainsFunc(fields, func(f string) bool { return strings.ContainsAny(f, ".@") }) {
		return -1
	}
	for _, titles := range titles {
		at := slices.IndexFunc(fields, func(f string) bool {
			words := strings.FieldsFunc(strings.ToLower(f), func(r rune) bool { return !unicode.IsLetter(r) })
			return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(titles, w) })
		})
		if at >= 0 {
			return at
		}
	}
	return -1
}
