package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
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
