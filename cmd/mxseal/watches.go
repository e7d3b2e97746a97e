package main

import (
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mxseal/web"
	"mxseal/web/inbox"
	"mxseal/web/jobs"
	"mxseal/web/watch"
	"mxseal/web/watch/mail"
)

// telling holds the flags of serve that say how those are told who watch a domain.
type telling struct {
	mail          mail.Config
	password, key string // files
	webhooks      bool
}

func (t *telling) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.mail.Server, "mail-server", "", "`HOST:PORT` of your mail server, to tell those who watch a domain; with STARTTLS, but for this machine itself")
	f.StringVar(&t.mail.From, "mail-from", "", "mail `ADDRESS` that such messages come from")
	f.StringVar(&t.mail.User, "mail-user", "", "`NAME` for the mail server, where it wants one")
	f.StringVar(&t.password, "mail-password-file", "", "`FILE` with the password for it")
	f.StringVar(&t.key, "dkim-key", "", "`FILE` with the private key (PEM) that signs such messages by DKIM")
	f.StringVar(&t.mail.Selector, "dkim-selector", "", "`NAME` of that key below _domainkey of the domain of --mail-from")
	f.BoolVar(&t.webhooks, "webhooks", false, "call the https:// addresses of those who watch a domain")
}

// open returns the watches of a site, and their jobs; nil where nobody is told.
func (t *telling) open(site web.Config) (*watch.Watches, []jobs.Kind, error) {
	cfg, wanted, err := t.config(site.BaseURL)
	if err != nil || !wanted {
		return nil, nil, err
	}
	cfg.Store, cfg.Log, cfg.Parse, cfg.Post = site.Store, site.Log, site.Engine.ParseDomain, site.Engine.Post
	if site.Lab != nil {
		cfg.Parse = web.ParserWith(site.Lab, cfg.Parse)
	}
	cfg.Inboxes = inbox.New(inbox.Config{Store: site.Store, Texts: site.Engine.Texts, BaseURL: cfg.BaseURL, Log: site.Log})
	w, kinds := watch.New(cfg)
	return w, kinds, nil
}

// config says how to tell; wanted is false where nothing of it is.
func (t *telling) config(baseURL string) (cfg watch.Config, wanted bool, err error) {
	if t.mail.Server == "" && !t.webhooks {
		return cfg, false, nil
	}
	if !strings.HasPrefix(baseURL, "https://") {
		return cfg, false, fmt.Errorf("--mail-server and --webhooks need --base-url with https://: messages lead to pages of the site")
	}
	cfg = watch.Config{Webhooks: t.webhooks, BaseURL: strings.TrimRight(baseURL, "/")}
	if t.mail.Server == "" {
		return cfg, true, nil
	}
	for flag, file := range map[string]*string{"--mail-password-file": &t.password, "--dkim-key": &t.key} {
		if *file == "" {
			continue
		}
		text, err := os.ReadFile(*file)
		if err != nil {
			return cfg, false, ofFile(flag, err)
		}
		if flag == "--dkim-key" {
			t.mail.Key = text
			continue
		}
		t.mail.Password = strings.TrimRight(string(text), "\r\n")
	}
	if u, err := url.Parse(baseURL); err == nil {
		t.mail.HELO = u.Hostname()
	}
	if cfg.Mail, err = mail.New(t.mail); err != nil {
		return cfg, false, fmt.Errorf("--mail-server, --mail-from, --dkim-key: %w", err)
	}
	return cfg, true, nil
}
