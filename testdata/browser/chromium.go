package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// patience is how long one thing that a tab is told to do may take. axe-core needs a second
// for a long page, and ten times that on a machine that has other work.
const patience = 5 * time.Minute

// Chromium is one headless browser. Its tabs share nothing: each is a profile of its own.
type Chromium struct {
	site  *Site
	ctx   context.Context
	close context.CancelFunc
}

// Open starts Debian's Chromium for a site; dir is a folder of this run. Whatever it is asked
// for, it reaches loopback addresses only.
func Open(s *Site, dir string) (*Chromium, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("%w: run testdata/browser/install.sh as root first", err)
	}
	alloc, end := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.UserDataDir(filepath.Join(dir, "chromium")),
		chromedp.Flag("headless", "new"),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-breakpad", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-background-timer-throttling", true),
		// Going back must load the page again: what is tested is the site, not the cache.
		chromedp.Flag("disable-features", "BackForwardCache,Translate"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 127.0.0.2"),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("lang", "en-US"),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	ctx, _ := chromedp.NewContext(alloc) // ended with alloc
	if err := chromedp.Run(ctx); err != nil {
		end()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Chromium{site: s, ctx: ctx, close: end}, nil
}

// At is the same browser, for another site.
func (c *Chromium) At(s *Site) *Chromium { return &Chromium{s, c.ctx, c.close} }

// Close ends the browser and waits until it has ended.
func (c *Chromium) Close() { c.close() }

// run gives an order to the browser as a whole.
func (c *Chromium) run(order func(context.Context) error) error {
	ctx, stop := context.WithTimeout(c.ctx, patience)
	defer stop()
	return order(cdp.WithExecutor(ctx, chromedp.FromContext(c.ctx).Browser))
}

// View is how a visitor looks at a page.
type View struct {
	Width int // CSS pixels: 375 is a phone, 1280 a desktop
	Dark  bool
}

// Views are the four that every page must stand.
var Views = []View{{1280, false}, {1280, true}, {375, true}, {375, false}}

func (v View) String() string {
	if v.Dark {
		return fmt.Sprintf("dark-%d", v.Width)
	}
	return fmt.Sprintf("light-%d", v.Width)
}

// Tab is one page in a profile of its own, with somebody who notes what it should not do.
type Tab struct {
	*Watch
	site  *Site
	ctx   context.Context
	close func()
}

// Tab opens one. Without scripts it behaves as a browser in which they are switched off.
func (c *Chromium) Tab(v View, scripts bool) (*Tab, error) {
	// A profile has no window to open a tab in, so the tab is made with one of its own.
	var profile cdp.BrowserContextID
	var id target.ID
	err := c.run(func(ctx context.Context) (err error) {
		if profile, err = target.CreateBrowserContext().WithDisposeOnDetach(true).Do(ctx); err != nil {
			return err
		}
		id, err = target.CreateTarget("about:blank").WithBrowserContextID(profile).WithNewWindow(true).Do(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	ctx, detach := chromedp.NewContext(c.ctx, chromedp.WithTargetID(id))
	end := func() {
		detach()
		_ = c.run(func(ctx context.Context) error { return target.DisposeBrowserContext(profile).Do(ctx) })
	}
	t := &Tab{Watch: newWatch(c.site.URL), site: c.site, ctx: ctx, close: end}
	chromedp.ListenTarget(ctx, t.Watch.see)
	chromedp.ListenTarget(ctx, func(ev any) {
		if _, ok := ev.(*page.EventJavascriptDialogOpening); ok { // noted already; it must not hold up the rest
			go func() { _ = t.run(page.HandleJavaScriptDialog(false)) }()
		}
	})
	// The first Run makes the tab and binds it to its context, so it has no time limit.
	if err := chromedp.Run(ctx); err != nil {
		end()
		return nil, err
	}
	err = t.run(audits.Enable(), emulation.SetScrollbarsHidden(true), emulation.SetFocusEmulationEnabled(true), emulation.SetScriptExecutionDisabled(!scripts))
	if err == nil {
		err = t.Look(v)
	}
	if err != nil {
		end()
		return nil, err
	}
	return t, nil
}

// Close closes the tab.
func (t *Tab) Close() { t.close() }

func (t *Tab) run(actions ...chromedp.Action) error {
	ctx, stop := context.WithTimeout(t.ctx, patience)
	defer stop()
	return chromedp.Run(ctx, actions...)
}

// Look changes how the page is looked at, without loading it again.
func (t *Tab) Look(v View) error {
	scheme, height := "light", int64(900)
	if v.Dark {
		scheme = "dark"
	}
	if v.Width < 600 {
		height = 812
	}
	return t.run(
		emulation.SetDeviceMetricsOverride(int64(v.Width), height, 1, v.Width < 600),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
	)
}

// Size changes the window to so many CSS pixels, without loading the page again.
func (t *Tab) Size(width, height int64) error {
	return t.run(emulation.SetDeviceMetricsOverride(width, height, 1, width < 600))
}

// Visit loads a page of the site and returns the status of the answer.
func (t *Tab) Visit(path string) (status int64, err error) {
	return t.load(chromedp.ActionFunc(func(ctx context.Context) error {
		_, _, problem, _, err := page.Navigate(t.site.URL + path).Do(ctx)
		if err == nil && problem != "" {
			err = errors.New(problem)
		}
		return err
	}))
}

// Back goes back one page.
func (t *Tab) Back() error {
	_, err := t.load(chromedp.ActionFunc(func(ctx context.Context) error {
		now, entries, err := page.GetNavigationHistory().Do(ctx)
		if err != nil {
			return err
		}
		if now < 1 {
			return errors.New("there is no page to go back to")
		}
		return page.NavigateToHistoryEntry(entries[now-1].ID).Do(ctx)
	}))
	return err
}

// load does what makes the tab load a page, and waits until that is there.
func (t *Tab) load(action chromedp.Action) (status int64, err error) {
	ctx, stop := context.WithTimeout(t.ctx, patience)
	defer stop()
	resp, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		return 0, err
	}
	if resp == nil {
		return 0, errors.New("the page came without an answer")
	}
	return resp.Status, nil
}

// Eval evaluates an expression in the page and reads its value, awaited, as JSON. It works
// with scripts switched off, and no content security policy concerns it.
func (t *Tab) Eval(expression string, into any) error {
	return t.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return evaluate(ctx, runtime.Evaluate(expression), into)
	}))
}

func evaluate(ctx context.Context, p *runtime.EvaluateParams, into any) error {
	value, thrown, err := p.WithReturnByValue(true).WithAwaitPromise(true).Do(ctx)
	if err != nil {
		return err
	}
	if thrown != nil {
		return thrown
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal([]byte(value.Value), into)
}

// Before has a script run in every page before anything of the page itself does.
func (t *Tab) Before(script string) error {
	return t.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	}))
}

// Await waits until an expression is true, over as many loads of the page as it takes.
func (t *Tab) Await(condition string, within time.Duration) error {
	end := time.After(within)
	for {
		var holds bool
		err := t.Eval("!!("+condition+")", &holds)
		if err == nil && holds {
			return nil
		}
		select {
		case <-end:
			return fmt.Errorf("not within %s: %s (last: %v)", within, condition, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
