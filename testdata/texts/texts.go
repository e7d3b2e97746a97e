// Package texts collects every sentence that the program can show to people: of rules, fixes,
// verdicts and pages. It is read through in one go, and its words are held against a list.
package texts

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"mxseal/checks"
)

// Text is something that is shown, and where it comes from.
type Text struct {
	Where string // a rule, or a file
	Text  string
}

// rooms are the folders whose literals are shown to people. A rule's texts are read from the rules.
var rooms = []string{"checks", "templates", "web/problem", "web/pages"}

// inner are the folders below them of which nobody reads a word.
var inner = regexp.MustCompile(`checks/(internal|lab|records|cache|keyfile|check|report)(/|$)|/testdata(/|$)`)

// part is what separates paragraphs, items and lines of a table.
var part = regexp.MustCompile(`\n\n|\n- |\n\||\n#+ `)

// All collects the texts of the tree at root, rules first.
func All(root string) ([]Text, error) {
	var list []Text
	listed := make(map[string]bool) // folders whose rules are here already
	for _, c := range checks.All {
		listed[strings.ReplaceAll(string(c.ID), "-", "")] = true
		for _, r := range c.Rules {
			for _, t := range []string{r.Title, r.Text, r.FixText} {
				if t != "" {
					list = append(list, Text{r.ID, t})
				}
			}
		}
	}
	for _, room := range rooms {
		err := filepath.WalkDir(filepath.Join(root, room), func(file string, d fs.DirEntry, err error) error {
			name, _ := filepath.Rel(root, file)
			switch {
			case err != nil:
				return err
			case d.IsDir() && inner.MatchString(filepath.ToSlash(name)):
				return filepath.SkipDir
			case name == filepath.Join("checks", "doc.md"): // for contributors
				return nil
			case d.Name() == "doc.md": // of a check, a page of its own
				text, err := os.ReadFile(file)
				for _, t := range part.Split(string(text), -1) {
					if t = strings.TrimSpace(blank.ReplaceAllString(t, " ")); t != "" {
						list = append(list, Text{filepath.ToSlash(name), t})
					}
				}
				return err
			case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || strings.HasPrefix(d.Name(), "rules") && listed[filepath.Base(filepath.Dir(file))]:
				return nil
			}
			texts, err := of(file)
			for _, t := range texts {
				list = append(list, Text{strings.TrimSuffix(strings.Replace(filepath.ToSlash(name), "_templ.go", ".templ", 1), ".go"), t})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// of collects the texts of one file of Go. Those of a page are joined where only an expression
// stands between them.
func of(file string) (list []string, err error) {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	page := strings.HasSuffix(file, "_templ.go")
	for _, d := range tree.Decls {
		var markup strings.Builder
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec, *ast.Field:
				return false
			case *ast.CompositeLit:
				return !page || called(&ast.CallExpr{Fun: n.Type}) != "Error" // where in the template it was
			case *ast.BasicLit:
				text, err := strconv.Unquote(n.Value)
				switch {
				case n.Kind != token.STRING || err != nil:
				case page && strings.ContainsAny(text, "<>") || page && markup.Len() > 0:
					markup.WriteString(text)
				case sentence(text):
					list = append(list, text)
				}
			case *ast.CallExpr:
				if page && called(n) == "EscapeString" {
					markup.WriteString("‹›")
					return false
				}
				if name := called(n); name == "Error" || name == "MustCompile" || name == "Errorf" || name == "New" {
					return false
				}
			}
			return true
		})
		list = append(list, spoken(markup.String())...)
	}
	return list, nil
}

func called(c *ast.CallExpr) string {
	if s, ok := c.Fun.(*ast.SelectorExpr); ok {
		return s.Sel.Name
	}
	return ""
}

var (
	block = regexp.MustCompile(`</?(p|h[1-6]|li|td|th|dt|dd|div|section|article|summary|option|label|button|caption|title|ul|ol|table|tr|details|form|pre|nav|header|footer|main|body|head|html|svg|g|text|path)\b[^>]*>`)
	tag   = regexp.MustCompile(`<[^>]*>`)
	blank = regexp.MustCompile(`\s+`)
)

// spoken are the texts between the tags of a page.
func spoken(markup string) (list []string) {
	for _, piece := range strings.Split(block.ReplaceAllString(markup, "\x00"), "\x00") {
		text := strings.TrimSpace(blank.ReplaceAllString(html.UnescapeString(tag.ReplaceAllString(piece, "")), " "))
		if strings.ContainsFunc(strings.ReplaceAll(text, "‹›", ""), unicode.IsLetter) && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// sentence reports whether a literal is words for people: some words, with blanks between them.
func sentence(text string) bool {
	if strings.ContainsAny(text, "<>{}=|\\$") && !strings.Contains(text, "{") || strings.HasPrefix(text, "/") {
		return false
	}
	words := strings.Fields(text)
	letters := 0
	for _, w := range words {
		if strings.ContainsFunc(w, unicode.IsLower) {
			letters++
		}
	}
	return letters >= 3
}

var (
	placeholder = regexp.MustCompile(`\{\w+\}|%[+#]?[a-z]|‹[^›]*›`)
	end         = regexp.MustCompile(`[.!?]["”’)]*(\s+|$)`)
	code        = regexp.MustCompile(`[\p{L}\p{N}_]*[._/@=][\p{L}\p{N}._/@=-]+|[A-Z0-9]{2,}[-A-Z0-9.]*`)
)

// Sentences splits a text at full stops.
func Sentences(text string) []string {
	return strings.FieldsFunc(end.ReplaceAllString(text, "\x00"), func(r rune) bool { return r == 0 })
}

// short is how many words a label has at most; more are a sentence.
const short = 4

// Ease is the Flesch reading ease of what has the length of a sentence. Names, codes and
// abbreviations are words of one syllable: they are read as signs.
func Ease(list []Text) (ease float64, sentences, words int) {
	syllables := 0
	for _, t := range list {
		for _, s := range Sentences(t.Text) {
			n, heard := 0, 0
			for _, w := range strings.Fields(code.ReplaceAllString(placeholder.ReplaceAllString(s, " it "), " it ")) {
				if strings.ContainsFunc(w, unicode.IsLetter) {
					n++
					heard += syllablesOf(w)
				}
			}
			if n > short {
				sentences, words, syllables = sentences+1, words+n, syllables+heard
			}
		}
	}
	return 206.835 - 1.015*float64(words)/float64(sentences) - 84.6*float64(syllables)/float64(words), sentences, words
}

var (
	vowels = regexp.MustCompile(`[aeiouy]+`)
	silent = regexp.MustCompile(`(?:[^laeiouy]es|[^dt]ed|[^laeiouy]e)$`)
)

// syllablesOf counts groups of vowels, without those that English does not speak.
func syllablesOf(word string) int {
	word = strings.ToLower(strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }))
	n := len(vowels.FindAllString(word, -1))
	if n > 1 && silent.MatchString(word) {
		n--
	}
	return max(n, 1)
}
