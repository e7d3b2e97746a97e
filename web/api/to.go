package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// adviceKept is how long mail clients may keep what they are told.
const adviceKept = "public, max-age=3600"

type toInput struct {
	Domain string `path:"domain" doc:"The domain that the mail goes to, in any form that the form of the site takes." example:"example.org"`
	From   string `query:"from" default:"unknown" doc:"What the mail is sent from." example:"gmail"`
}

// Advice is what becomes of a mail to a domain, in less than 400 octets.
type Advice struct {
	From        string        `json:"from" doc:"What the mail is sent from."`
	Outcome     string        `json:"outcome" doc:"What becomes of it: protected (encrypted, and the sender makes sure that the right server receives it), encrypted (an active attacker can intercept it), unencrypted (anyone on the way can read it), diverted (a stranger may receive it), not-delivered, no-mail (the domain takes none), unknown (not tested)."`
	Sentence    string        `json:"sentence" doc:"The same for people."`
	Letter      report.Letter `json:"letter,omitempty" doc:"The letter of the domain."`
	Provisional bool          `json:"provisional" doc:"Something that could move the letter was not found out."`
	CheckedAt   time.Time     `json:"checked_at" doc:"When the check began."`
}

// AdviceOf is what becomes of a mail from there to the domain of a report.
func AdviceOf(r *report.Report, from view.Origin) Advice {
	v := checks.View(r)
	a := v.To(from)
	advice := Advice{From: from.ID, Outcome: a.Outcome, Sentence: a.Sentence, Provisional: v.Provisional(), CheckedAt: r.CheckedAt}
	if r.Grade != nil {
		advice.Letter = r.Grade.Letter
	}
	return advice
}

// UnknownSender says which senders are known; at names the part of the request that is none.
func UnknownSender(at string) *problem.Problem {
	return problem.UnknownSender(strings.Join(senderIDs(), ", "), at)
}

// senderIDs are the ids of all senders that can be asked about.
func senderIDs() (ids []string) {
	for _, o := range view.Origins {
		ids = append(ids, o.ID)
	}
	return ids
}

// outcomeOfAdvice makes the words of an outcome a list that may grow.
func outcomeOfAdvice(to huma.API) {
	words := make([]any, len(view.AnswerOutcomes))
	for i, w := range view.AnswerOutcomes {
		words[i] = w
	}
	schemaOf(to, Advice{})
	grow(to.OpenAPI().Components.Schemas.Map()["Advice"].Properties["outcome"], words...)
}

// to says what becomes of a mail to a domain. It starts nothing.
func (a *API) to(w http.ResponseWriter, r *http.Request, who scans.Client, in *toInput) error {
	d, err := a.Parse(in.Domain)
	if err != nil {
		return problem.NotMailDomain(err, http.StatusNotFound, "path.domain")
	}
	from, known := view.OriginOf(in.From)
	if !known {
		return UnknownSender("query.from")
	}
	name := a.nameOf(apiV1+"/domains/"+d.ASCII+"/to?from="+from.ID, a.Scans.LastOf(d.ASCII))
	err = a.Renderer.SendJSON(w, r, who, rendering.Head{Keep: adviceKept, Open: true}, name, func(ctx context.Context) (any, error) {
		latest, err := a.Scans.Latest(ctx, d.ASCII)
		if err != nil {
			return nil, err
		}
		return AdviceOf(latest, from), nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return problem.NotChecked
	}
	return err
}
