package checks_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An rfc is a row of testdata/rfcs.json: what is known of a document without its text. Its
// sections are those of the document as published; where there are none, none may be cited.
type rfc struct {
	Title       string            `json:"title"`
	Sections    map[string]string `json:"sections"`
	ObsoletedBy []int             `json:"obsoletedBy"`
	StillCited  string            `json:"stillCited"` // why comments cite an obsolete one without its successor
}

func rfcs(t *testing.T) map[int]rfc {
	text, err := os.ReadFile("testdata/rfcs.json")
	if err != nil {
		t.Fatal(err)
	}
	table := map[int]rfc{}
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	return table
}

// A citation is an RFC, and what of it; section is empty where it is the whole document.
type citation struct {
	number  int
	section string
}

func (c citation) String() string {
	if c.section == "" {
		return fmt.Sprintf("RFC %d", c.number)
	}
	return fmt.Sprintf("RFC %d §%s", c.number, c.section)
}

var (
	lineOn     = regexp.MustCompile(`\n\s*(?:(?://|\*|>|\|)+[ \t]*)?`)
	number     = regexp.MustCompile(`\bRFCs? (\d{3,5})\b`)
	further    = regexp.MustCompile(`^(?:, (?:and )?| and | to )(\d{4,5})\b`)
	section    = regexp.MustCompile(`^,?(?: and| to| or)? (?:§|appendix )([A-Z]?\d*(?:\.\d+)*)`)
	otherForms = regexp.MustCompile(`\bRFCs? \d{3,5},? ?[Ss]ect|\bRFCs? \d{3,5} ?§§|(?:§ ?[\d.]+|[Ss]ection [\d.]+|appendix [A-Z]) of RFC`)
)

// citations are those in a text, and the stretch of it that speaks of each.
func citations(text string) (found []citation, beside []string) {
	text = lineOn.ReplaceAllString(text, " ")
	for _, at := range number.FindAllStringSubmatchIndex(text, -1) {
		n, _ := strconv.Atoi(text[at[2]:at[3]])
		rest, before := text[at[1]:], len(found)
		if section.MatchString(rest) {
			for m := section.FindStringSubmatch(rest); m != nil; m = section.FindStringSubmatch(rest) {
				found = append(found, citation{n, strings.TrimSuffix(m[1], ".")})
				rest = rest[len(m[0]):]
			}
		} else {
			found = append(found, citation{n, ""})
			for m := further.FindStringSubmatch(rest); m != nil; m = further.FindStringSubmatch(rest) {
				n, _ := strconv.Atoi(m[1])
				found = append(found, citation{n, ""})
				rest = rest[len(m[0]):]
			}
		}
		stretch := text[max(0, at[0]-80):min(len(text), len(text)-len(rest)+80)]
		for range len(found) - before {
			beside = append(beside, stretch)
		}
	}
	return found, beside
}

// wrong says what is wrong with a citation beside which stretch stands: the document or the
// section does not exist, or is replaced by another that is not named.
func (c citation) wrong(table map[int]rfc, stretch string, reason bool) string {
	row, known := table[c.number]
	if !known {
		return fmt.Sprintf("%s is not in the table", c)
	}
	if _, exists := row.Sections[c.section]; c.section != "" && !exists {
		return fmt.Sprintf("%s, “%s”, has no such section, or nobody has looked", c, row.Title)
	}
	if len(row.ObsoletedBy) == 0 || reason && row.StillCited != "" {
		return ""
	}
	for _, successor := range row.ObsoletedBy {
		if strings.Contains(stretch, strconv.Itoa(successor)) {
			return ""
		}
	}
	return fmt.Sprintf("%s is obsolete; RFC %d is not named beside it", c, row.ObsoletedBy[0])
}

var (
	separator = regexp.MustCompile(`[,;] `)
	document  = regexp.MustCompile(`^RFC \d+(?: (?:§[A-Z\d]|appendix [A-Z])[\d.]*)?$`)
	more      = regexp.MustCompile(`^(?:§\d|appendix [A-Z])[\d.]*$`)
	elsewhere = regexp.MustCompile(`^(?:CVE-\d{4}-\d{4,}|FIPS \d+|CWE-\d+|UTS 39 §5\.2|NCSC-NL TLS guidelines 2025-05|CA/Browser Forum SC-\d+v\d)$`)
)

// Every reference of a rule has the form of one, and what it names exists. Who follows it
// finds what is said, in the document that is in force.
func TestReferencesOfRules(t *testing.T) {
	table := rfcs(t)
	for _, rule := range allRules() {
		if strings.HasPrefix(rule.ID, "OPS-") && rule.Reference == "" {
			continue
		}
		after := false
		for _, part := range separator.Split(rule.Reference, -1) {
			switch {
			case document.MatchString(part):
				after = true
			case more.MatchString(part) && after:
			case elsewhere.MatchString(part):
				after = false
			default:
				t.Errorf("%s: %q is no form of a reference, in %q", rule.ID, part, rule.Reference)
			}
		}
		found, _ := citations(rule.Reference)
		for _, c := range found {
			if why := c.wrong(table, rule.Reference, false); why != "" {
				t.Errorf("%s: %s", rule.ID, why)
			}
			t.Logf("%s: %s, %s\n\t%s", rule.ID, c, table[c.number].Sections[c.section], rule.Title)
		}
	}
}

// What is said of RFCs in comments, texts of rules and of fixes, pages and documents is
// held against the table, and how much of it could be is printed.
func TestCitations(t *testing.T) {
	table := rfcs(t)
	var given, checked, whole int
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "golden") {
			return fs.SkipDir
		}
		if d.IsDir() || !slices.Contains([]string{".go", ".md", ".templ", ".html", ".css", ".js", ".sh", ".yml"}, filepath.Ext(path)) || strings.HasSuffix(path, "_templ.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if path == filepath.Join("..", "checks", "citations_test.go") {
			return nil
		}
		if odd := otherForms.FindString(string(text)); odd != "" {
			t.Errorf("%s: %q is not the form “RFC 5321 §5.1” or “RFC 7919 appendix A”", path, odd)
		}
		found, beside := citations(string(text))
		for i, c := range found {
			given++
			if why := c.wrong(table, beside[i], true); why != "" {
				t.Errorf("%s: %s", path, why)
				continue
			}
			if c.section == "" {
				whole++
			}
			checked++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if given < 500 {
		t.Errorf("only %d citations were found", given)
	}
	t.Logf("citations checked / given: %d / %d (%d of a document as a whole, by its title)", checked, given, whole)
}

// The table itself: every document has a title, and one in force needs no reason to be cited.
func TestTableOfRFCs(t *testing.T) {
	table := rfcs(t)
	for n, row := range table {
		if row.Title == "" {
			t.Errorf("RFC %d has no title", n)
		}
		if row.StillCited != "" && len(row.ObsoletedBy) == 0 {
			t.Errorf("RFC %d is in force, and has a reason why it is still cited", n)
		}
	}
}

func TestFormsOfCitations(t *testing.T) {
	table := map[int]rfc{
		5321: {Title: "Mail", Sections: map[string]string{"5.1": "a", "4.2": "b"}},
		8446: {Title: "TLS", Sections: map[string]string{"D.4": "c"}, ObsoletedBy: []int{9846}},
		5246: {Title: "TLS", Sections: map[string]string{"E.1": "d"}, ObsoletedBy: []int{9846}, StillCited: "is what it is"},
		9846: {Title: "TLS", Sections: map[string]string{"E.4": "c"}},
	}
	for _, c := range []struct {
		text  string
		cites []citation
		wrong int
	}{
		{"RFC 5321", []citation{{5321, ""}}, 0},
		{"(RFC 5321 §5.1, §4.2)", []citation{{5321, "5.1"}, {5321, "4.2"}}, 0},
		{"RFC 5321 §4.2 to §5.1.", []citation{{5321, "4.2"}, {5321, "5.1"}}, 0},
		{"by RFC\n// 5321 §5.1", []citation{{5321, "5.1"}}, 0},
		{"RFC 5321\n\t// §5.1.", []citation{{5321, "5.1"}}, 0},
		{"RFC 5321 §5.9", []citation{{5321, "5.9"}}, 1},
		{"RFC 5231 §5.1", []citation{{5231, "5.1"}}, 1},
		{"RFC 8446 appendix D.4", []citation{{8446, "D.4"}}, 1},
		{"RFC 9846 appendix E.4, once RFC 8446 appendix D.4", []citation{{9846, "E.4"}, {8446, "D.4"}}, 0},
		{"RFC 5246 appendix E.1", []citation{{5246, "E.1"}}, 0},
		{"RFCs 5321 and 9846", []citation{{5321, ""}, {9846, ""}}, 0},
		{"RFC 5321, 9846 §4", []citation{{5321, ""}, {9846, ""}}, 0},
		{"time.RFC3339", nil, 0},
	} {
		found, beside := citations(c.text)
		if !slices.Equal(found, c.cites) {
			t.Errorf("%q: %v, want %v", c.text, found, c.cites)
		}
		wrong := 0
		for i, f := range found {
			if f.wrong(table, beside[i], true) != "" {
				wrong++
			}
		}
		if wrong != c.wrong {
			t.Errorf("%q: %d wrong, want %d", c.text, wrong, c.wrong)
		}
	}
}
