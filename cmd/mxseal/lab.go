package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/lab"
	"mxseal/checks/report"
	"mxseal/web"
	"mxseal/web/store"
	"mxseal/web/surveys"
)

// labPlan is where the lab is to be found.
type labPlan struct {
	Resolver    string      `json:"resolver"`
	TrustAnchor string      `json:"trust_anchor"` // file
	CAFile      string      `json:"ca_file"`
	SMTPPort    uint16      `json:"smtp_port"`
	STSPort     uint16      `json:"sts_port"`
	AllowNets   []string    `json:"allow_nets"`
	Domains     []labDomain `json:"domains"`
}

type labDomain struct {
	Name   string `json:"name"`
	Letter string `json:"letter"`
	Shows  string `json:"shows"`
}

func labCommand() *cobra.Command {
	var format string
	var o lab.Options
	c := &cobra.Command{
		Use:   "lab",
		Short: "Run the example internet on loopback sockets",
		Long:  "Lab starts a small internet on loopback sockets: a signed DNS root, domains good and bad,\nmail servers that behave and misbehave on purpose. It runs until interrupted.",
		Example: "  mxseal lab                  # prints the command that looks into it\n" +
			"  mxseal lab --format json    # the same for programs",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := oneOf("--format", format, "text", "json"); err != nil {
				return err
			}
			world, err := lab.New(o)
			if err != nil {
				return fault(err)
			}
			defer world.Close()
			if err := world.Listen(); err != nil {
				return fault(fmt.Errorf("%w (--dns-port, --smtp-port, --sts-port)", err))
			}
			dir, err := os.MkdirTemp("", "mxseal-lab-")
			if err != nil {
				return fault(err)
			}
			defer os.RemoveAll(dir)
			plan := labPlan{
				Resolver:    world.Resolver().String(),
				TrustAnchor: filepath.Join(dir, "root.ds"),
				CAFile:      filepath.Join(dir, "ca.pem"),
				SMTPPort:    world.SMTPPort(),
				STSPort:     world.STSPort(),
			}
			for _, p := range world.Networks() {
				plan.AllowNets = append(plan.AllowNets, p.String())
			}
			for _, d := range world.Domains() {
				plan.Domains = append(plan.Domains, labDomain{d.Name, string(d.Letter), d.Shows})
			}
			if err := os.WriteFile(plan.TrustAnchor, world.Anchors(), 0o644); err != nil {
				return fault(err)
			}
			if err := os.WriteFile(plan.CAFile, world.CA(), 0o644); err != nil {
				return fault(err)
			}
			if format == "json" {
				err = writeJSON(c.OutOrStdout(), plan)
			} else {
				err = plan.write(c)
			}
			if err != nil {
				return fault(err)
			}
			<-c.Context().Done()
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	c.Flags().Uint16Var(&o.DNSPort, "dns-port", 5300, "`PORT` of the lab's resolver")
	c.Flags().Uint16Var(&o.SMTPPort, "smtp-port", 2525, "`PORT` of the lab's mail servers")
	c.Flags().Uint16Var(&o.STSPort, "sts-port", 8443, "`PORT` of the lab's policy hosts")
	return c
}

func (p labPlan) write(c *cobra.Command) error {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "The lab is open. In another terminal:\n\n  mxseal check perfect.test --resolver %s \\\n    --trust-anchor %s --ca-file %s \\\n    --smtp-port %d --sts-port %d", p.Resolver, p.TrustAnchor, p.CAFile, p.SMTPPort, p.STSPort)
	for _, n := range p.AllowNets {
		fmt.Fprintf(w, " --allow-net %s", n)
	}
	fmt.Fprint(w, "\n\n")
	for _, d := range p.Domains {
		fmt.Fprintf(w, "  %-28s %-3s %s\n", d.Name, d.Letter, d.Shows)
	}
	_, err := fmt.Fprintln(w, "\nCtrl-C closes it.")
	return err
}

// labEngine returns an engine that sees nothing but the lab, in memory.
func labEngine(world *lab.Lab, timeout time.Duration, previous func(context.Context, string) *report.Report) (*checks.Engine, error) {
	return checks.New(checks.Config{
		Resolvers: []netip.AddrPort{world.Resolver()},
		Anchors:   world.Anchors(),
		Roots:     world.CA(),
		SMTPPort:  world.SMTPPort(),
		STSPort:   world.STSPort(),
		Allow:     world.Networks(),
		HELO:      "mxseal.example",
		Timeout:   timeout,
		Previous:  previous,
		Version:   version(),
		Dial:      world.Dial,
	})
}

// ofLab has the domains of the lab looked at by its own engine, and all others as before.
func ofLab(c surveys.Config, of *checks.Engine) surveys.Config {
	world := c
	c.Parse = web.ParserWith(of, world.Parse)
	c.Resolve = func(ctx context.Context, d input.Domain, id string) (*report.Report, []checks.Call) {
		if web.OfLab(d.ASCII) {
			return of.Resolve(ctx, d, id)
		}
		return world.Resolve(ctx, d, id)
	}
	c.Look = func(ctx context.Context, call checks.Call, domain string) *report.Report {
		if web.OfLab(domain) {
			return of.Look(ctx, call, domain)
		}
		return world.Look(ctx, call, domain)
	}
	c.Conclude = func(r *report.Report, seen func(checks.Call) *report.Report) *report.Report {
		if web.OfLab(r.Domain) {
			return of.Conclude(r, seen)
		}
		return world.Conclude(r, seen)
	}
	return c
}

// labSurvey is that of the lab's domains.
const labSurvey = "lab"

// surveyLab makes a survey of the lab's domains, once, so that a newcomer sees what surveys are.
func surveyLab(ctx context.Context, s *surveys.Surveys, domains []web.Example, log *slog.Logger) {
	var list strings.Builder
	for _, d := range domains {
		fmt.Fprintf(&list, "%s,letter %s\n", d.Domain, d.Letter)
	}
	parse := func(typed string) (input.Domain, error) { return input.Parse(typed, true) }
	err := s.Create(ctx, &store.Survey{Name: labSurvey, Title: "The examples of this program", Named: true}, surveys.NewList(strings.NewReader(list.String()), parse))
	if errors.Is(err, store.ErrExists) { // with its run, which goes on where it was
		return
	}
	if err == nil {
		_, err = s.Start(ctx, labSurvey)
	}
	if err != nil && ctx.Err() == nil {
		log.Warn("the survey of the examples could not be begun", "error", err)
	}
}
