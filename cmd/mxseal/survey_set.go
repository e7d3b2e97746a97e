package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks/report"
	"mxseal/web/store"
	"mxseal/web/surveys"
)

// maxList is how many octets of a list are fetched from an address.
const maxList = 64 << 20

// What everybody may read of a survey.
const (
	aggregates = "aggregates"
	domains    = "domains"
)

// about is what is said of a survey on the command line.
type about struct {
	title, publish string
	every          period
}

func (s *about) register(c *cobra.Command) {
	c.Flags().StringVar(&s.title, "title", "", "`TEXT` that says what the list is")
	c.Flags().Var(&s.every, "every", "how often mxseal serve makes a run, a `TIME` such as 7d; 0 for runs that are asked for")
	c.Flags().StringVar(&s.publish, "publish", aggregates, "what everybody may read: aggregates, the numbers alone, or domains, what was found of each")
	complete(c, "publish", aggregates, domains)
}

// apply changes what was said, and nothing else.
func (s *about) apply(c *cobra.Command, one *store.Survey) error {
	if err := oneOf("--publish", s.publish, aggregates, domains); err != nil {
		return err
	}
	if c.Flags().Changed("title") {
		one.Title = s.title
	}
	if c.Flags().Changed("every") {
		one.Every = time.Duration(s.every)
	}
	if c.Flags().Changed("publish") {
		one.Named = s.publish == domains
	}
	return nil
}

func publishes(one store.Survey) string {
	if one.Named {
		return domains
	}
	return aggregates
}

// opened opens a list: a file, or what an https:// address leads to.
func opened(ctx context.Context, n *network, file string) (io.ReadCloser, error) {
	if scheme, _, found := strings.Cut(strings.ToLower(file), "://"); !found {
		return os.Open(file)
	} else if scheme != "https" {
		return nil, fmt.Errorf("a list comes from a file or an https:// address, not by %s", report.Clean(scheme, 20))
	}
	engine, err := n.engine()
	if err != nil {
		return nil, err
	}
	return engine.Fetch(ctx, file, maxList)
}

// ask opens the folder for a command that looks at no domain.
func (f *folder) ask(ctx context.Context, do func(*surveys.Surveys) error) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	defer f.close()
	s, _, err := f.surveys(surveys.Config{}, false, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return do(s)
}

func surveySet() *cobra.Command {
	var f folder
	var about about
	c := &cobra.Command{
		Use:     "set NAME",
		Short:   "Change a survey: its title, how often, what is published",
		Example: "  mxseal survey set nl-gov --publish domains --every 30d",
		Args:    wants(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return f.ask(c.Context(), func(s *surveys.Surveys) error {
				one, err := f.Survey(c.Context(), args[0])
				if err != nil {
					return noSurvey(args[0], err)
				}
				if err := about.apply(c, &one); err != nil {
					return err
				}
				return s.Change(c.Context(), one)
			})
		},
	}
	about.register(c)
	f.register(c)
	return c
}

func surveyDelete() *cobra.Command {
	var f folder
	c := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a survey with its list and all its runs",
		Long: "Delete takes a survey away with its list and all its runs; one that goes on is stopped. The room\n" +
			"in the file is given back while mxseal serve, or a run of another survey, is at work.",
		Args: wants(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return f.ask(c.Context(), func(s *surveys.Surveys) error {
				if err := s.Delete(c.Context(), args[0]); err != nil {
					return noSurvey(args[0], err)
				}
				fmt.Fprintf(c.OutOrStdout(), "%s is deleted.\n", args[0])
				return nil
			})
		},
	}
	f.register(c)
	return c
}
