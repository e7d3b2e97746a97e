package api

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/checks/report"
	"mxseal/web/problem"
)

const schemas = "#/components/schemas/"

var ofReports = reflect.TypeFor[report.Report]().PkgPath()

// describe completes what huma reads from the types of the report: what their doc comments
// say, which words a type of words knows, and that what is left out when empty is never null.
func describe(registry huma.Registry) {
	said, words := saidOfReports(), newVocabularies(registry)
	for name, s := range registry.Map() {
		t := registry.TypeFromRef(schemas + name)
		if t == nil {
			continue // a vocabulary, or one of several
		}
		if s.AdditionalProperties == true {
			s.AdditionalProperties = nil // as it is where nothing is said
		}
		if t.PkgPath() == ofReports {
			s.Description = said.types[t.Name()]
		}
		for _, f := range reflect.VisibleFields(t) {
			key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			p := s.Properties[key]
			if p == nil {
				continue
			}
			p.Description = cmp.Or(p.Description, said.fields[ownerOf(t, f)+"."+f.Name])
			if p.Ref == "" { // else it is there
				p.Description = cmp.Or(p.Description, said.types[f.Type.Name()])
			}
			if options == "omitempty" || options == "omitzero" {
				p.Nullable = false
			}
			if t.PkgPath() == ofReports || key != "state" { // else it is a state of a check, and all that there are
				words.complete(p, f.Type)
			}
		}
	}
}

// ownerOf names the type that a field stands in, which may be an embedded one.
func ownerOf(t reflect.Type, f reflect.StructField) string {
	for _, i := range f.Index[:len(f.Index)-1] {
		t = t.Field(i).Type
	}
	return t.Name()
}

// complete says which words may stand in a field, and how large its numbers are.
func (v vocabularies) complete(s *huma.Schema, t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer:
		v.complete(s, t.Elem())
	case reflect.Slice:
		if s.Items != nil {
			v.complete(s.Items, t.Elem())
		}
	case reflect.Map:
		if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
			v.complete(values, t.Elem())
		}
	case reflect.String:
		v.name(s, t)
	case reflect.Int, reflect.Int64, reflect.Uint8, reflect.Uint16: // counts, milliseconds, small codes
		s.Format = "int32"
	case reflect.Uint32:
		s.Format, s.Maximum = "", new(float64)
		*s.Maximum = math.MaxUint32
	}
}

// said is what the source of package report says of its types.
type said struct {
	types  map[string]string // by name
	fields map[string]string // by type and field, such as MX.State
	words  map[string][]term // constants, by their type
}

// saidOfReports reads the doc comments. A source that the compiler took can be read.
var saidOfReports = sync.OnceValue(func() said {
	s := said{make(map[string]string), make(map[string]string), make(map[string][]term)}
	files, _ := fs.Glob(report.Source, "*.go")
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, _ := fs.ReadFile(report.Source, name)
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		for _, d := range file.Decls {
			if d, ok := d.(*ast.GenDecl); ok {
				for _, spec := range d.Specs {
					s.hear(d, spec)
				}
			}
		}
	}
	delete(s.words, "Effect") // a notation, of which only some are constants
	return s
})

func (s said) hear(d *ast.GenDecl, spec ast.Spec) {
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

// componentOf names the schema of a type.
func componentOf(t reflect.Type, hint string) string {
	switch t {
	case reflect.TypeFor[problem.Details]():
		return "ProblemDetails"
	case reflect.TypeFor[problem.Place]():
		return "ProblemPlace"
	}
	return huma.DefaultSchemaNamer(t, hint)
}
