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
)

// maxReport bounds what grade reads: no report comes near it.
const maxReport = 64 << 20

func gradeCommand() *cobra.Command {
	var format string
	var facts bool
	c := &cobra.Command{
		Use:   "grade [FILE]",
		Short: "Judge a stored report again under the present rules",
		Long:  "Grade reads a report as JSON from FILE or standard input and judges its evidence under\nthe rules of this version. With --facts the input is a facts object, or an array of them.",
		Args:  wants(cobra.MaximumNArgs(1)),
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
			body, err := io.ReadAll(io.LimitReader(in, maxReport+1))
			if err != nil {
				return err
			}
			if len(body) > maxReport {
				return fmt.Errorf("the input is larger than %d MiB", maxReport>>20)
			}
			if facts {
				return gradeFacts(c.OutOrStdout(), body)
			}
			var r report.Report
			if err := json.Unmarshal(body, &r); err != nil {
				return fmt.Errorf("this is no report: %s", quoted(err))
			}
			if r.Schema != report.Schema {
				return fmt.Errorf("this is no report of schema %d", report.Schema)
			}
			r.CleanAll()
			checks.Judge(&r)
			out := c.OutOrStdout()
			if format == "json" {
				err = writeJSON(out, &r)
			} else {
				err = writeText(out, &r, false, coloured(out))
			}
			if err != nil {
				return fault(err)
			}
			if code := exitCode(&r, ""); code != exitOK {
				return &exit{code: code}
			}
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	c.Flags().BoolVar(&facts, "facts", false, "the input is a facts object, or an array of them")
	return c
}

// quoted is an error that may hold words of a foreign file.
func quoted(err error) string { return report.Clean(err.Error(), 500) }

// graded is the answer to one facts object.
type graded struct {
	Grade       report.Letter `json:"grade"`
	Provisional bool          `json:"provisional,omitempty"`
	Broken      []string      `json:"broken"`
	Matrix      report.Matrix `json:"matrix"`
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
