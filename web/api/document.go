package api

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/web/problem"
)

// The parts of the API, as clients are divided by them.
const ofChecks, ofDomains, ofPictures, ofOperation = "checks", "domains", "badges", "operation"

// example is what to type to try an operation.
func example(command string) map[string]any {
	return map[string]any{"x-codeSamples": []map[string]string{{"lang": "Shell", "source": command}}}
}

// answer is one that an operation may give.
type answer struct {
	status  int
	text    string
	content map[string]*huma.MediaType
	headers map[string]*huma.Header
}

var notModified = answer{304, "The client has it already.", nil, headers("ETag")}

func answers(list ...answer) map[string]*huma.Response {
	m := make(map[string]*huma.Response)
	for _, a := range list {
		m[fmt.Sprint(a.status)] = &huma.Response{Description: a.text, Content: a.content, Headers: a.headers}
	}
	return m
}

// problemOf is a refusal, with the problems that are answered so as examples.
func problemOf(a huma.API, status int, text string) answer {
	var h map[string]*huma.Header
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		h = headers("Retry-After")
	}
	return answer{status, text, media(problem.JSON, schemaOf(a, problem.Details{}), examplesOf(status)...), h}
}

func jsonOf(schema *huma.Schema, examples ...string) map[string]*huma.MediaType {
	return media("application/json", schema, examples...)
}

// reportOf is a report. That there is text too is said in words: as a second kind of content it would
// make the report a string or an object to every generated client.
func reportOf(schema *huma.Schema) map[string]*huma.MediaType { return jsonOf(schema, "report") }

// media is a body of one kind, with examples by their names.
func media(kind string, schema *huma.Schema, examples ...string) map[string]*huma.MediaType {
	m := &huma.MediaType{Schema: schema, Examples: make(map[string]*huma.Example)}
	for _, name := range examples {
		m.Examples[name] = &huma.Example{Ref: "#/components/examples/" + name}
	}
	return map[string]*huma.MediaType{kind: m}
}

func schemaOf(a huma.API, v any) *huma.Schema {
	return a.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, "")
}

// meaning says what the headers of our answers say.
var meaning = map[string]string{
	"Location":         "Address of the report to be, or of the test that has begun.",
	"Content-Location": "Permanent address of the report.",
	"Retry-After":      "Seconds until it is worth asking again.",
	"ETag":             "Names this state of the answer; send it back in If-None-Match to hear only of changes.",
	"Cache-Control":    "How long the answer may be kept.",
	"Link":             `Address of the reports before these, with rel="next", where there are any.`,
}

func headers(names ...string) map[string]*huma.Header {
	m := make(map[string]*huma.Header)
	for _, name := range names {
		s := &huma.Schema{Type: huma.TypeString, Examples: []any{headerExamples[name]}}
		if name == "Retry-After" {
			s.Type, s.Format, s.Minimum = huma.TypeInteger, "int32", new(float64)
		}
		m[name] = &huma.Header{Description: meaning[name], Schema: s}
	}
	return m
}

// Exposed are the headers that scripts of other sites may read.
var Exposed = slices.Sorted(maps.Keys(meaning))
