package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
)

// From the front page to the verdict on a simulated sender: what becomes of the traps is seen as it happens.
func TestASimulatedSender(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		p := tab(t, Views[0], scripts)
		_, err := p.Visit("/")
		must(t, err)
		for _, step := range [][3]string{{"link", "^Does my server verify", "Does your mail server verify when it sends?"}, {"button", "^Start a test$", "Waiting for your message"}, {"button", "^Let it send$", ""}} {
			status, err := p.Follow(step[0], step[1])
			must(t, err)
			if _, heading := here(t, p); status != 200 || step[2] != "" && heading != step[2] {
				t.Fatalf("behind %q: status %d, heading %q", step[1], status, heading)
			}
		}
		must(t, p.Await(`document.querySelectorAll(".traps .stage-fail").length > 3 && document.querySelectorAll(".traps .stage-info").length > 1`, time.Minute))
		must(t, p.Await(`document.querySelector('svg[aria-label="Grade C"]') && document.querySelector("progress").value === 22`, 2*time.Minute))
		if streams := p.Answers(network.ResourceTypeEventSource); scripts != (len(streams) > 0) {
			t.Errorf("there are %d event streams", len(streams))
		}
		status, err := p.Follow("button", "^End the test now$")
		must(t, err)
		if _, heading := here(t, p); status != 200 || !strings.Contains(heading, "an active attacker can take it") {
			t.Errorf("at the end: status %d, heading %q", status, heading)
		}
	})
}
