package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/problem"
)

// pageOf puts the document into the order of reading.
func pageOf(doc *huma.OpenAPI) templates.API {
	page := templates.API{Text: doc.Info.Description, Request: sourceOf(doc.Paths[apiV1+"/checks"].Post), Answer: excerpt(exampleReport())}
	for _, w := range problem.Words {
		page.Reasons = append(page.Reasons, templates.APIReason{Word: w.Word, Text: w.Text, Status: statusOf(w.Word)})
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, op := range []*huma.Operation{doc.Paths[path].Post, doc.Paths[path].Get} {
			if op != nil {
				page.Operations = append(page.Operations, operation(op))
			}
		}
	}
	registry := doc.Components.Schemas
	parts := partsOf(registry, reflect.TypeFor[report.Report]().Name())
	for _, name := range parts {
		page.Report = append(page.Report, schema(registry, name))
	}
	for _, name := range slices.Sorted(maps.Keys(registry.Map())) {
		if !slices.Contains(parts, name) {
			page.Other = append(page.Other, schema(registry, name))
		}
	}
	return page
}

func operation(op *huma.Operation) templates.APIOperation {
	o := templates.APIOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Title: op.Summary, Text: op.Description}
	o.Example = sourceOf(op)
	for _, p := range op.Parameters {
		o.Fields = append(o.Fields, templates.APIField{Name: p.Name, Where: p.In, Text: p.Description, Type: typeOf(p.Schema), Optional: !p.Required})
	}
	if op.RequestBody != nil {
		o.Body = typeOf(op.RequestBody.Content["application/json"].Schema)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		a := templates.APIAnswer{Status: status, Text: r.Description}
		for _, kind := range slices.Backward(slices.Sorted(maps.Keys(r.Content))) { // the first counts: JSON, where it is text too
			a.Kind, a.Type = kind, typeOf(r.Content[kind].Schema)
		}
		for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
			a.Headers = append(a.Headers, templates.APIField{Name: name, Text: r.Headers[name].Description})
		}
		o.Answers = append(o.Answers, a)
	}
	return o
}

// sourceOf is what to type to try an operation.
func sourceOf(op *huma.Operation) string {
	samples, _ := op.Extensions["x-codeSamples"].([]map[string]string)
	if len(samples) == 0 {
		return ""
	}
	return samples[0]["source"]
}

// excerpt is the beginning of what a report says, for people.
func excerpt(r *report.Report) string {
	type grade struct {
		Letter      report.Letter `json:"letter"`
		Provisional bool          `json:"provisional"`
		Sentence    string        `json:"sentence"`
		Next        []report.Next `json:"next"`
	}
	short := struct {
		ID        string    `json:"id"`
		Domain    string    `json:"domain"`
		CheckedAt time.Time `json:"checked_at"`
		Grade     grade     `json:"grade"`
	}{r.ID, r.Domain, r.CheckedAt, grade{r.Grade.Letter, r.Grade.Provisional, r.Grade.Sentence, r.Grade.Next}}
	text, err := json.MarshalIndent(short, "", "  ")
	if err != nil {
		panic(err) // it is our own, and sent whole elsewhere
	}
	return strings.TrimSuffix(string(text), "\n}") + ",\n  …\n}"
}

// statusOf is the status with which a problem is answered; several are joined.
func statusOf(reason string) string {
	var list []string
	for _, p := range exampleProblems {
		if status := fmt.Sprint(p.Status); p.Reason == reason && !slices.Contains(list, status) {
			list = append(list, status)
		}
	}
	return strings.Join(list, " or ")
}

// typeOf puts a schema into words.
func typeOf(s *huma.Schema) templates.APIType {
	if name, ok := strings.CutPrefix(s.Ref, schemas); ok {
		return templates.APIType{Schema: name}
	}
	t := templates.APIType{Words: s.Type}
	switch {
	case s.Format == "date-time":
		t.Words = "time"
	case s.ContentEncoding != "":
		t.Words = s.ContentEncoding
	}
	if s.Items != nil {
		t = typeOf(s.Items)
		t.Words = strings.TrimSpace("array of " + t.Words)
	}
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
		t = typeOf(values)
		t.Words = strings.TrimSpace("map of " + t.Words)
	}
	if s.Minimum != nil && s.Maximum != nil {
		t.Words += fmt.Sprintf(" from %v to %v", *s.Minimum, *s.Maximum)
	}
	if s.Nullable {
		t.Null = true
	}
	t.Values = valuesOf(s)
	return t
}

// valuesOf lists the words that may stand in a field, with “…” where more may come.
func valuesOf(s *huma.Schema) (values []string) {
	more, grows := s.Extensions[extensible].([]any)
	for _, v := range slices.Concat(s.Enum, more) {
		values = append(values, cmp.Or(fmt.Sprint(v), `""`))
	}
	if grows {
		values = append(values, "…")
	}
	return values
}

// schema lists the fields of an object in the order in which they are sent.
func schema(registry huma.Registry, name string) templates.APISchema {
	s := registry.Map()[name]
	list := templates.APISchema{Name: name, Text: s.Description, Values: valuesOf(s)}
	for _, one := range s.OneOf {
		list.OneOf = append(list.OneOf, typeOf(one))
	}
	if registry.TypeFromRef(schemas+name) == nil {
		return list
	}
	for _, f := range reflect.VisibleFields(registry.TypeFromRef(schemas + name)) {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if p := s.Properties[key]; p != nil {
			list.Fields = append(list.Fields, templates.APIField{Name: key, Text: p.Description, Type: typeOf(p), Optional: !slices.Contains(s.Required, key)})
		}
	}
	return list
}

// partsOf names an object and what it is made of, from the whole to its parts.
func partsOf(registry huma.Registry, whole string) []string {
	names := []string{whole}
	for i := 0; i < len(names); i++ {
		s := schema(registry, names[i])
		for _, f := range s.Fields {
			if part := f.Type.Schema; part != "" && !slices.Contains(names, part) {
				names = append(names, part)
			}
		}
	}
	return names
}
