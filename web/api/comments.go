package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"mxseal/checks/report"
	"mxseal/checks/sender"
)

// What the sources of the packages report and sender say of their types, for those who do not see them.

var (
	ofReports     = reflect.TypeFor[report.Report]().PkgPath()
	ofSenderTests = reflect.TypeFor[sender.Evidence]().PkgPath()
)

// term is a word that may stand in a field, with its name in programs.
type term struct{ name, value string }

// comments are what the source of a package says of its types.
type comments struct {
	types  map[string]string // by name
	fields map[string]string // by type and field, such as MX.State
	words  map[string][]term // constants, by their type
}

// ofReportSource reads the doc comments. A source that the compiler took can be read.
var ofReportSource = sync.OnceValue(func() comments {
	s := readSource(report.Source)
	delete(s.words, "Effect") // a notation, of which only some are constants
	return s
})

// ofSenderSource reads those of the test of senders.
var ofSenderSource = sync.OnceValue(func() comments { return readSource(sender.Source) })

// sourceOfType reads the doc comments of the package of a type; they are empty for all other packages.
func sourceOfType(t reflect.Type) comments {
	switch t.PkgPath() {
	case ofReports:
		return ofReportSource()
	case ofSenderTests:
		return ofSenderSource()
	}
	return comments{}
}

func readSource(source fs.FS) comments {
	s := comments{make(map[string]string), make(map[string]string), make(map[string][]term)}
	files, _ := fs.Glob(source, "*.go")
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, _ := fs.ReadFile(source, name)
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		for _, d := range file.Decls {
			if d, ok := d.(*ast.GenDecl); ok {
				for _, spec := range d.Specs {
					s.read(d, spec)
				}
			}
		}
	}
	return s
}

func (s comments) read(d *ast.GenDecl, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		name := spec.Name.Name
		s.types[name] = sentence(name, d.Doc)
		if t, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range t.Fields.List {
				for _, n := range f.Names {
					s.fields[name+"."+n.Name] = strings.TrimSpace(sentence(n.Name, f.Doc) + " " + line(f.Comment))
				}
			}
		}
	case *ast.ValueSpec:
		kind, ok := spec.Type.(*ast.Ident)
		for i, v := range spec.Values {
			if text, is := v.(*ast.BasicLit); ok && is && text.Kind == token.STRING {
				value, _ := strconv.Unquote(text.Value)
				s.words[kind.Name] = append(s.words[kind.Name], term{spec.Names[i].Name, value})
			}
		}
	}
}

// sentence makes of a doc comment what a reader is told who does not see the name in Go:
// “Zone is one zone.” becomes “One zone.”
func sentence(name string, doc *ast.CommentGroup) string {
	text := line(doc)
	rest, ok := strings.CutPrefix(text, name+" ")
	if !ok {
		return text
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "is "), "are ")
	return strings.ToUpper(rest[:1]) + rest[1:]
}

func line(c *ast.CommentGroup) string {
	return ownCatalogue.ReplaceAllString(strings.Join(strings.Fields(c.Text()), " "), "")
}

// ownCatalogue is where a comment points its readers to a document that is not public.
var ownCatalogue = regexp.MustCompile(` \(RULES[^)]*\)`)
