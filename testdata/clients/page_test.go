package clients

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"mxseal/checks/lab"

	"github.com/chromedp/chromedp"
)

// watch asks for a check in Chromium and follows the page until the report is there. It has to
// change at least twice before, without being loaded again.
func watch(t *testing.T, address, domain string) {
	t.Helper()
	alloc, end := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-dev-shm-usage", true))...)
	defer end()
	tab, close := chromedp.NewContext(alloc)
	defer close()
	tab, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	must(t, chromedp.Run(tab, chromedp.Navigate(address+"/"), chromedp.SetValue(`input[name=domain]`, domain), chromedp.Submit(`input[name=domain]`), chromedp.WaitVisible(`[role=status]`)))
	var protocol string
	must(t, chromedp.Run(tab, chromedp.Evaluate(`performance.getEntriesByType("navigation")[0].nextHopProtocol`, &protocol), chromedp.Evaluate(`window.stays = true`, nil)))
	if protocol != "h2" {
		t.Errorf("the page came by %s", protocol)
	}
	var said []string
	for {
		var now struct {
			Running string
			Stays   bool
		}
		err := chromedp.Run(tab, chromedp.Evaluate(`({running: document.querySelector("[role=status]") ? document.querySelector("main").innerText : "", stays: !!window.stays})`, &now))
		if tab.Err() != nil {
			t.Fatalf("no report in time; the page said %q", said)
		}
		if err != nil {
			continue // the page is being loaded
		}
		if now.Running == "" && !now.Stays {
			break
		}
		if now.Running != "" && now.Stays && !slices.Contains(said, now.Running) {
			said = append(said, now.Running)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if len(said) < 3 {
		t.Errorf("the page was not alive: it said %q", said)
	}
	t.Logf("%d states of the page before the report, by %s", len(said), protocol)
}

func free(t *testing.T) string {
	t.Helper()
	port, err := lab.FreePort()
	must(t, err)
	return strconv.Itoa(int(port))
}
