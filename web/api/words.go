package api

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/sender"
	"mxseal/web/scans"
)

// schemas is where the components of the document are.
const schemas = "#/components/schemas/"

// vocabularies are the lists of words that are components of the document, by their names.
// Within v1 they stay as they are, but for those that grow: clients may be made of them. To every
// other list words may be added, and the document says so by x-extensible-enum in place of enum.
type vocabularies map[string][]term

// components are the types of words whose lists are components, and the names of these.
var components = map[reflect.Type]string{
	reflect.TypeFor[report.CheckID](): "Check",
	reflect.TypeFor[report.Letter]():  "Letter",
	reflect.TypeFor[report.State]():   "State",
	reflect.TypeFor[report.Verdict](): "Verdict",
	reflect.TypeFor[report.Outcome](): "Outcome",
	reflect.TypeFor[report.Depth]():   "Depth",
	reflect.TypeFor[sender.Row]():     "SenderRow",
	reflect.TypeFor[sender.Fate]():    "SenderFate",
	reflect.TypeFor[sender.Proof]():   "SenderProof",
	reflect.TypeFor[report.Says]():    says,
}

// says is the component of a list that is long, stands in many objects, and grows.
const says = "Says"

// newVocabularies adds the components to the document.
func newVocabularies(registry huma.Registry) vocabularies {
	v := make(vocabularies)
	for _, c := range checks.All {
		v["Check"] = append(v["Check"], term{strings.ToUpper(strings.ReplaceAll(string(c.ID), "-", "")), string(c.ID)})
	}
	for _, l := range report.Letters {
		v["Letter"] = append(v["Letter"], term{strings.ReplaceAll(string(l), "+", "Plus"), string(l)})
	}
	texts := map[string]string{"Check": "What is looked at, by the id of its page /checks/{id}."}
	for t, name := range components {
		if v[name] == nil {
			v[name] = sourceOfType(t).words[t.Name()]
		}
		texts[name] = cmp.Or(texts[name], sourceOfType(t).types[t.Name()])
	}
	v["State"] = append(slices.Clone(v["State"]), term{"NotLookedAt", ""})
	for name, words := range v {
		s := &huma.Schema{Type: huma.TypeString, Description: texts[name]}
		var names []string
		for _, w := range words {
			s.Enum, names = append(s.Enum, w.value), append(names, w.name)
		}
		s.Extensions = map[string]any{"x-enum-varnames": names}
		if name == says {
			grow(s, s.Enum...)
		}
		registry.Map()[name] = s
	}
	return v
}

// name says which words may stand in a field of a type: those of a component, by its name, or
// a list that may grow. Where a word may be missing, the list is the field's own.
func (v vocabularies) name(s *huma.Schema, t reflect.Type, empty bool) {
	component, ok := components[t]
	if ok && !empty {
		*s = huma.Schema{Ref: schemas + component, Description: s.Description}
		return
	}
	switch {
	case ok:
		for _, w := range v[component] {
			s.Enum = append(s.Enum, w.value)
		}
	case len(s.Enum) == 0:
		s.Enum = growing(t)
	}
	if empty {
		s.Enum = append(s.Enum, "")
	}
	grow(s, s.Enum...)
}

// open are the types of words that hold words of others too, so that no list of them is whole.
var open = []reflect.Type{
	reflect.TypeFor[report.Kind](), // rcodes, and the reasons for which an answer or a certificate does not hold
}

// growing are the words that a type of words knows, whose list may grow; none for text.
func growing(t reflect.Type) (words []any) {
	switch pkg := t.PkgPath(); {
	case slices.Contains(open, t):
	case pkg == ofReports, pkg == ofSenderTests:
		for _, w := range sourceOfType(t).words[t.Name()] {
			words = append(words, w.value)
		}
	case pkg == reflect.TypeFor[scans.Waits]().PkgPath():
		for _, w := range scans.AllWaits {
			words = append(words, string(w))
		}
	}
	return words
}

// grow lists words that may stand in a field, and others as the program learns them.
func grow(s *huma.Schema, words ...any) {
	if s.Enum = nil; len(words) > 0 {
		s.Extensions = map[string]any{extensible: words}
	}
}

// extensible marks a list of words that may grow.
const extensible = "x-extensible-enum"

// oneOf adds a component that is one of several objects. Where a field tells them apart, the
// words that may stand in it lead to the objects.
func oneOf(registry huma.Registry, name, text, field string, words map[string]string, objects ...string) *huma.Schema {
	s := &huma.Schema{Description: text}
	for _, o := range objects {
		s.OneOf = append(s.OneOf, &huma.Schema{Ref: schemas + o})
	}
	if field != "" {
		s.Discriminator = &huma.Discriminator{PropertyName: field, Mapping: make(map[string]string)}
		for _, w := range slices.Sorted(maps.Keys(words)) {
			s.Discriminator.Mapping[w] = schemas + words[w]
		}
	}
	if registry.Map()[name] != nil {
		panic(fmt.Sprintf("api: two schemas are called %s", name))
	}
	registry.Map()[name] = s
	return &huma.Schema{Ref: schemas + name}
}
