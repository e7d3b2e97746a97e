package web

import (
	"cmp"
	"net/http"
	"net/mail"
	"net/url"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// shield is a badge as data, in the schema of shields.io endpoints.
type shield struct {
	SchemaVersion int    `json:"schemaVersion" doc:"Version of the schema of such endpoints; 1."`
	Label         string `json:"label" doc:"The left part."`
	Message       string `json:"message" doc:"The right part: the letter and its day, or why there is none."`
	Color         string `json:"color" doc:"Of the right part."`
	CacheSeconds  int    `json:"cacheSeconds" doc:"How long it may be kept."`
}

// besides are the operations of the site that are no part of the API's version: they stand in
// the document, and are answered where the pages are.
func (s *Site) besides(registry huma.Registry) []*huma.Operation {
	domain := &huma.Param{Name: "domain", In: "path", Required: true, Description: "The domain, in any form that the form of the site takes.",
		Schema: &huma.Schema{Type: huma.TypeString}, Example: "example.org"}
	choice := func(name, text string, words ...any) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Enum: words}}
	}
	// Asked with Accept: application/json they are problem details, else pages.
	refusal := func(p *problem, text string) answer {
		return answer{p.status, text, media(problemJSON, registry.Schema(reflect.TypeFor[problemDetails](), true, ""), p.exampleName()), nil}
	}
	wrong, broke := refusal(wrongMethod, "The address is for reading alone."), refusal(ourFault, "Something broke on our side.")
	var list []*huma.Operation
	for _, b := range []struct {
		id, ending, title string
		content           map[string]*huma.MediaType
	}{
		{"getBadge", ".svg", "A badge", media("image/svg+xml", &huma.Schema{Type: huma.TypeString})},
		{"getBadgePNG", ".png", "A badge as a bitmap", media("image/png", &huma.Schema{Type: huma.TypeString, ContentEncoding: "binary"})},
		{"getBadgePNGDouble", "@2x.png", "A badge as a bitmap, twice as large", media("image/png", &huma.Schema{Type: huma.TypeString, ContentEncoding: "binary"})},
		{"getBadgeData", ".json", "A badge as data", media("application/json", registry.Schema(reflect.TypeFor[shield](), true, ""), "shield")},
	} {
		list = append(list, &huma.Operation{
			OperationID: b.id, Method: http.MethodGet, Path: "/badge/{domain}" + b.ending, Tags: []string{ofPictures}, Summary: b.title,
			Description: "The last firm letter of the domain with its day; always an answer, whatever the domain. It starts no check.",
			Parameters:  []*huma.Param{domain, choice("style", "How it looks.", "flat", "seal"), choice("theme", "For which ground.", "light", "dark")},
			Extensions:  example("curl " + cmp.Or(s.cfg.BaseURL, "http://localhost:8080") + "/badge/example.org" + b.ending),
			Responses:   answers(answer{200, "The badge.", b.content, headers("ETag", "Cache-Control")}, notModified, wrong, broke),
		})
	}
	text := func(example string) map[string]*huma.MediaType {
		return media("text/plain", &huma.Schema{Type: huma.TypeString}, example)
	}
	return append(list,
		&huma.Operation{OperationID: "getHealth", Method: http.MethodGet, Path: "/healthz", Tags: []string{ofOperation}, Summary: "Is the program there",
			Description: "For supervisors. It looks at nothing.",
			Extensions:  example("curl " + cmp.Or(s.cfg.BaseURL, "http://localhost:8080") + "/healthz"),
			Responses:   answers(answer{200, "It is.", text("ok"), nil}, wrong, broke)},
		&huma.Operation{OperationID: "getReadiness", Method: http.MethodGet, Path: "/readyz", Tags: []string{ofOperation}, Summary: "Can verdicts be relied on",
			Description: "Whether the store answers, and what the last self-test found of our own network; a line for each condition.",
			Extensions:  example("curl " + cmp.Or(s.cfg.BaseURL, "http://localhost:8080") + "/readyz"),
			Responses:   answers(answer{200, "They can.", text("ready"), nil}, answer{503, "They cannot: a line that begins with failed says why.", text("unready"), nil}, wrong, broke)},
	)
}

// contact is who runs the site, as far as that is said.
func (s *Site) contact() *huma.Contact {
	c := &huma.Contact{Name: cmp.Or(s.cfg.Operator, "The operator of this site")}
	if a, err := mail.ParseAddress(s.cfg.Contact); err == nil {
		c.Email = a.Address
	} else if u, err := url.Parse(s.cfg.Contact); err == nil && u.Host != "" {
		c.URL = u.String()
	}
	return c
}

// componentOf names the schema of a type. That of a check under way is not called State, as
// in the program: that is the name of the states of DNSSEC.
func componentOf(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[state]() {
		return "Pending"
	}
	return huma.DefaultSchemaNamer(t, hint)
}
