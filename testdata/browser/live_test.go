package browser

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
)

// slow is a domain whose check takes its time, its first stages none.
const slow = "slow.test"

// fresh is until a report is no longer shown in place of another check.
const fresh = 61 * time.Second

// watched follows a running check in the page until its report is there, and returns what the
// page said of it on the way, and how many pages were loaded until the report was one of them.
func watched(t *testing.T, p *Tab) (said []string, loaded int) {
	t.Helper()
	_, err := p.Visit("/")
	must(t, err)
	status, err := p.Ask(slow)
	must(t, err)
	var before bool
	must(t, p.Eval("!!("+isReport+")", &before))
	if before { // of a run before this one
		time.Sleep(fresh)
		return watched(t, p)
	}
	if path, heading := here(t, p); status != 200 || path != "/check/"+slow || heading != slow {
		t.Fatalf("status %d, address %s, heading %q", status, path, heading)
	}
	loads := func() int { return len(p.Answers(network.ResourceTypeDocument)) }
	begin := loads()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		var now struct {
			Report  bool
			Running string
		}
		err := p.Eval(`({report: !!(`+isReport+`), running: document.querySelector("[role=status]") ? document.querySelector("main").innerText : ""})`, &now)
		if err != nil {
			continue // the page is being loaded
		}
		if now.Report {
			if path, heading := here(t, p); path != "/check/"+slow || heading != slow {
				t.Errorf("the report is at %s and its heading %q", path, heading)
			}
			return said, loads() - begin
		}
		if now.Running != "" && !slices.Contains(said, now.Running) {
			said = append(said, now.Running)
		}
	}
	t.Fatalf("no report within two minutes; the page said:\n%s", strings.Join(said, "\n---\n"))
	return nil, 0
}

// noteWhatIsSaid keeps what a page says while a check runs, each text once: who looks from outside may find
// a busy browser.
const noteWhatIsSaid = `new MutationObserver(() => {
	if (!document.querySelector("[role=status]") || !document.querySelector("main")) return
	const said = JSON.parse(sessionStorage.said || "[]"), now = document.querySelector("main").innerText
	if (!said.includes(now)) sessionStorage.said = JSON.stringify([...said, now])
}).observe(document, {childList: true, subtree: true, characterData: true, attributes: true})`

// Two visitors ask for the same check at the same time, before others do: who joins one late sees its end only.
func TestRunningCheck(t *testing.T) {
	live, plain := tab(t, Views[0], true), tab(t, Views[0], false)
	t.Run("live", func(t *testing.T) {
		t.Parallel()
		must(t, live.Before(noteWhatIsSaid))
		_, loaded := watched(t, live)
		var said []string
		must(t, live.Eval(`JSON.parse(sessionStorage.said || "[]")`, &said))
		if len(said) < 2 {
			t.Errorf("the page said one thing only while the check ran: %q", said)
		}
		if loaded > 1 {
			t.Errorf("%d pages were loaded; want only the report", loaded)
		}
		streams := live.Answers(network.ResourceTypeEventSource)
		if len(streams) != 1 || streams[0].Status != 200 || streams[0].MIME != "text/event-stream" {
			t.Errorf("the events came from %v; want one stream", streams)
		}
	})
	t.Run("without JavaScript", func(t *testing.T) {
		t.Parallel()
		said, loaded := watched(t, plain)
		for range 2 { // a machine that is too busy to load a page until the check is over shows nothing of it
			if len(said) < 2 || loaded < 3 {
				said, loaded = watched(t, plain)
			}
		}
		if len(said) < 2 || loaded < 3 {
			t.Errorf("%d pages were loaded, and they said %d things while the check ran", loaded, len(said))
		}
		if streams := plain.Answers(network.ResourceTypeEventSource); len(streams) != 0 {
			t.Errorf("there are event streams: %v", streams)
		}
	})
}
