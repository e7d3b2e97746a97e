// Command screenshots makes a picture of every kind of page, light and dark, on a desktop and
// on a phone, for eyes to judge what no test can. A page that is missing fails it at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"mxseal/testdata/browser"
)

func main() {
	out := flag.String("out", "testdata/browser/shots", "`DIR` for the pictures")
	only := flag.String("only", "", "take pictures only of pages whose name `MATCHES`")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err == nil {
		err = shoot(*out, wanted)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func shoot(out string, only *regexp.Regexp) (err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mxseal-screenshots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	site, err := browser.Serve(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	chromium, err := browser.Open(site, dir)
	if err != nil {
		return err
	}
	defer chromium.Close()
	var failed []error
	for _, p := range []browser.Place{browser.Home, browser.History, browser.Compared, browser.Slow, browser.APlus, browser.A, browser.B, browser.C, browser.D, browser.E, browser.F, browser.T, browser.N,
		browser.NoDomain, browser.Broken, browser.Taken, browser.Hoster, browser.Many, browser.Badge, browser.To, browser.Grades, browser.Surveys, browser.Survey, browser.Behind, browser.API, browser.NotFound,
		browser.Sender, browser.Waiting, browser.Sending, browser.CutShort, browser.Ordinary, browser.Verifies} {
		if only.MatchString(p.Name) {
			failed = append(failed, pictures(chromium, p, out))
		}
	}
	return errors.Join(failed...)
}

// pictures opens a page once and looks at it in every view.
func pictures(chromium *browser.Chromium, p browser.Place, out string) error {
	t, err := chromium.Tab(browser.Views[0], true)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := p.Open(context.Background(), t); err != nil {
		return err
	}
	for _, v := range browser.Views {
		if err := t.Look(v); err != nil {
			return err
		}
		png, err := t.Picture()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, fmt.Sprintf("%s-%s.png", p.Name, v)), png, 0o644); err != nil {
			return err
		}
	}
	return nil
}
