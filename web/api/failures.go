package api

import (
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/web/problem"
)

// huma has one place for the errors of all its interfaces, and for how strictly it reads, and
// no other.
func init() {
	huma.NewErrorWithContext, huma.ValidateStrictCasing = humaError, true
	huma.NewError = func(status int, text string, causes ...error) huma.StatusError {
		return humaError(nil, status, text, causes...)
	}
}

// humaError makes huma's errors problems in our words. Nothing that the client sent is in
// them, though huma would quote it: neither values, nor names of fields, nor media types.
func humaError(c huma.Context, status int, _ string, causes ...error) huma.StatusError {
	p := problem.Fault
	switch status {
	case http.StatusRequestEntityTooLarge:
		p = problem.TooLarge
	case http.StatusRequestTimeout:
		p = problem.TooSlow
	case http.StatusUnsupportedMediaType:
		p = problem.NotJSON
	case http.StatusBadRequest:
		p = problem.BrokenJSON
	case http.StatusUnprocessableEntity:
		p = problem.Invalid
	}
	base := ""
	if c != nil {
		base, _ = c.Context().Value(baseKey{}).(string)
	}
	d := p.Details(base, true)
	if p == problem.Invalid {
		for _, cause := range causes {
			var at *huma.ErrorDetail
			if errors.As(cause, &at) {
				d.Errors = append(d.Errors, whatIsWrong(at))
			}
		}
	}
	return d
}

// whatIsWrong says in our words what is wrong with a part of a request.
func whatIsWrong(at *huma.ErrorDetail) problem.Place {
	switch at.Location {
	case "body.domain":
		return problem.Place{Message: "The domain is a text.", Location: at.Location}
	case "query.limit":
		return problem.Place{Message: "The limit is a number from 1 to 100.", Location: at.Location}
	case "query.wait":
		return problem.Place{Message: "The time to wait is a number of seconds from 0 to 90.", Location: at.Location}
	case "query.before":
		return problem.Place{Message: "The moment is a time such as 2026-01-31T12:00:00Z.", Location: at.Location}
	}
	return problem.Place{Message: `The body is an object with one field, the domain: {"domain": "example.org"}.`, Location: "body"}
}
