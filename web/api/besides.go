package api

import (
	"cmp"
	"net/http"
	"net/mail"
	"net/url"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/web/badge"
	"mxseal/web/problem"
)

// besides are the operations of the site that are no part of the API's version: they stand in
// the document, and are answered where the pages are.
func (a *API) besides(registry huma.Registry) []*huma.Operation {
	domain := &huma.Param{Name: "domain", In: "path", Required: true, Description: "The domain, in any form that the form of the site takes.",
		Schema: &huma.Schema{Type: huma.TypeString}, Example: "example.org"}
	choice := func(name, text string, words ...any) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Enum: words}}
	}
	// Asked with Accept: application/json they are problem details, else pages.
	refusal := func(p *problem.Problem, text string) answer {
		return answer{p.Status, text, media(problem.JSON, registry.Schema(reflect.TypeFor[problem.Details](), true, ""), exampleName(p)), nil}
	}
	wrong, broke := refusal(problem.WrongMethod, "The address is for reading alone."), refusal(problem.Fault, "Something broke on our side.")
	var list []*huma.Operation
	for _, b := range []struct {
		id, ending, title string
		content           map[string]*huma.MediaType
	}{
		{"getBadge", ".svg", "A badge", media("image/svg+xml", &huma.Schema{Type: huma.TypeString})},
		{"getBadgePNG", ".png", "A badge as a bitmap", media("image/png", &huma.Schema{Type: huma.TypeString, ContentEncoding: "binary"})},
		{"getBadgePNGDouble", "@2x.png", "A badge as a bitmap, twice as large", media("image/png", &huma.Schema{Type: huma.TypeString, ContentEncoding: "binary"})},
		{"getBadgeData", ".json", "A badge as data", media("application/json", registry.Schema(reflect.TypeFor[badge.Shield](), true, ""), "shield")},
	} {
		list = append(list, &huma.Operation{
			OperationID: b.id, Method: http.MethodGet, Path: "/badge/{domain}" + b.ending, Tags: []string{ofPictures}, Summary: b.title,
			Description: "The last firm letter of the domain with its day; always an answer, whatever the domain. It starts no check.",
			Parameters:  []*huma.Param{domain, choice("style", "How it looks.", "flat", "seal"), choice("theme", "For which ground.", "light", "dark")},
			Extensions:  example("curl " + cmp.Or(a.BaseURL, "http://localhost:8080") + "/badge/example.org" + b.ending),
			Responses:   answers(answer{200, "The badge.", b.content, headers("ETag", "Cache-Control")}, notModified, wrong, broke),
		})
	}
	text := func(example string) map[string]*huma.MediaType {
		return media("text/plain", &huma.Schema{Type: huma.TypeString}, example)
	}
	return append(list,
		&huma.Operation{OperationID: "getHealth", Method: http.MethodGet, Path: "/healthz", Tags: []string{ofOperation}, Summary: "Is the program there",
			Description: "For supervisors. It looks at nothing.",
			Extensions:  example("curl " + cmp.Or(a.BaseURL, "http://localhost:8080") + "/healthz"),
			Responses:   answers(answer{200, "It is.", text("ok"), nil}, wrong, broke)},
		&huma.Operation{OperationID: "getReadiness", Method: http.MethodGet, Path: "/readyz", Tags: []string{ofOperation}, Summary: "Can verdicts be relied on",
			Description: "Whether the store answers, and what the last self-test found of our own network; a line for each condition.",
			Extensions:  example("curl " + cmp.Or(a.BaseURL, "http://localhost:8080") + "/readyz"),
			Responses:   answers(answer{200, "They can.", text("ready"), nil}, answer{503, "They cannot: a line that begins with failed says why.", text("unready"), nil}, wrong, broke)},
	)
}

// contact is who runs the site, as far as that is said.
func (a *API) contact() *huma.Contact {
	c := &huma.Contact{Name: cmp.Or(a.Operator, "The operator of this site")}
	if m, err := mail.ParseAddress(a.Contact); err == nil {
		c.Email = m.Address
	} else if u, err := url.Parse(a.Contact); err == nil && u.Host != "" {
		c.URL = u.String()
	}
	return c
}
