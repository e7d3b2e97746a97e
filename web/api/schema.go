package api

import (
	"cmp"
	"math"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/web/problem"
)

// describe completes what huma reads from the types of the report: what their doc comments
// say, which words a type of words knows, and that what is left out when empty is never null.
func describe(registry huma.Registry) {
	source, words := ofReportSource(), newVocabularies(registry)
	for name, s := range registry.Map() {
		t := registry.TypeFromRef(schemas + name)
		if t == nil {
			continue // a vocabulary, or one of several
		}
		if s.AdditionalProperties == true {
			s.AdditionalProperties = nil // as it is where nothing is said
		}
		if t.PkgPath() == ofReports {
			s.Description = source.types[t.Name()]
		}
		for _, f := range reflect.VisibleFields(t) {
			key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			p := s.Properties[key]
			if p == nil {
				continue
			}
			p.Description = cmp.Or(p.Description, source.fields[ownerOf(t, f)+"."+f.Name])
			if p.Ref == "" { // else it is there
				p.Description = cmp.Or(p.Description, source.types[f.Type.Name()])
			}
			if options == "omitempty" || options == "omitzero" {
				p.Nullable = false
			}
			if t.PkgPath() == ofReports || key != "state" { // else it is a state of a check, and all that there are
				_, empty := f.Tag.Lookup("empty")
				words.complete(p, f.Type, empty)
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

// complete says which words may stand in a field, and how large its numbers are. empty says that
// a word may be missing.
func (v vocabularies) complete(s *huma.Schema, t reflect.Type, empty bool) {
	switch t.Kind() {
	case reflect.Pointer:
		v.complete(s, t.Elem(), empty)
	case reflect.Slice:
		if s.Items != nil {
			v.complete(s.Items, t.Elem(), empty)
		}
	case reflect.Map:
		if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
			v.complete(values, t.Elem(), empty)
		}
	case reflect.String:
		v.name(s, t, empty)
	case reflect.Int, reflect.Int64, reflect.Uint8, reflect.Uint16: // counts, milliseconds, small codes
		s.Format = "int32"
	case reflect.Uint32:
		s.Format, s.Maximum = "", new(float64)
		*s.Maximum = math.MaxUint32
	}
}

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
