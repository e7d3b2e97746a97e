package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/grade"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
)

func gradeCommand() *cobra.Command {
	var format string
	var facts bool
	var text terminal.Wish
	c := &cobra.Command{
		Use:   "grade [FILE]",
		Short: "Judge stored reports again under the present rules",
		Long: "Grade reads what check writes as json or ndjson, from FILE or standard input, and judges\nthe evidence under the rules of this version. With --facts the input is a facts object,\n" +
			"or an array of them.",
		Example: "  mxseal grade report.json                      # one report, or an array of them\n" +
			"  mxseal grade --format json < reports.ndjson   # a report a line",
		Args: wants(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := oneOf("--format", format, "text", "json"); err != nil {
				return err
			}
			in := c.InOrStdin()
			if len(args) == 1 && args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			if !facts {
				return gradeReports(c.OutOrStdout(), format, asked(text, c.OutOrStdout()), in)
			}
			body, err := io.ReadAll(io.LimitReader(in, maxReport+1))
			if err != nil {
				return err
			}
			if len(body) > maxReport {
				return fmt.Errorf("the input is larger than %d MiB", maxReport>>20)
			}
			return gradeFacts(c.OutOrStdout(), body)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	amount(c, &text)
	c.Flags().BoolVar(&facts, "facts", false, "the input is a facts object, or an array of them")
	return c
}

// gradeReports judges stored reports one after another, and writes them in the form in which
// they came.
func gradeReports(out io.Writer, format string, text terminal.Wish, in io.Reader) error {
	stored, err := openStored(in)
	if err != nil {
		return err
	}
	code := exitOK
	var w writer = &textWriter{w: out, wish: text}
	for n := 1; ; n++ {
		r, err := stored.next()
		if n == 1 && format == "json" && (err == nil || err == io.EOF) {
			w = stored.writer(out)
		}
		switch {
		case err == io.EOF:
			if err := w.end(nil); err != nil {
				return fault(err)
			}
			if code != exitOK {
				return &exit{code: code}
			}
			return nil
		case err != nil && n > 1:
			return fmt.Errorf("report %d: %w", n, err)
		case err != nil:
			return err
		}
		r.CleanAll()
		r.Conclusions = checks.Judge(r.Meta, r.Evidence)
		checks.Explain(r)
		code = max(code, exitCode(r, ""))
		if err := w.write(r); err != nil {
			return fault(err)
		}
	}
}

// graded is the answer to one facts object.
type graded struct {
	Grade       report.Letter    `json:"grade"`
	Provisional bool             `json:"provisional,omitempty"`
	Broken      []report.Promise `json:"broken"`
	Matrix      report.Matrix    `json:"matrix"`
}

func gradeFacts(w io.Writer, body []byte) error {
	of := func(f grade.Facts) graded {
		r := grade.OfFacts(f)
		return graded{r.Grade.Letter, r.Grade.Provisional, r.Grade.Broken, r.Matrix}
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		var list []factsInput
		if err := json.Unmarshal(body, &list); err != nil {
			return fmt.Errorf("this is no array of facts: %s", quoted(err))
		}
		out := make([]graded, len(list))
		for i, f := range list {
			out[i] = of(f.Facts)
		}
		return writeJSON(w, out)
	}
	var f factsInput
	if err := json.Unmarshal(body, &f); err != nil {
		return fmt.Errorf("these are no facts: %s", quoted(err))
	}
	return writeJSON(w, of(f.Facts))
}

// factsInput is a facts object, bare or under "facts" as in the worked configurations.
type factsInput struct{ grade.Facts }

func (f *factsInput) UnmarshalJSON(b []byte) error {
	var named struct {
		Facts json.RawMessage `json:"facts"`
	}
	if err := json.Unmarshal(b, &named); err == nil && named.Facts != nil {
		b = named.Facts
	}
	return json.Unmarshal(b, &f.Facts)
}
