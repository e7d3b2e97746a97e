package browser

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// Watch notes what a tab does that no page of ours should do, and which answers it got.
type Watch struct {
	origin string

	mu      sync.Mutex
	noise   []string
	answers []Answer
}

// Answer is the head of one answer that the tab got.
type Answer struct {
	Kind   network.ResourceType
	URL    string
	MIME   string
	Status int64
}

func newWatch(origin string) *Watch { return &Watch{origin: origin} }

// Noise is what was noted so far: console messages, errors, dialogs, breaches of the content
// security policy, requests that failed or went to another host.
func (w *Watch) Noise() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.noise)
}

// Answers are those of one kind so far.
func (w *Watch) Answers(kind network.ResourceType) []Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.answers), func(a Answer) bool { return a.Kind != kind })
}

func (w *Watch) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noise = append(w.noise, fmt.Sprintf(format, args...))
}

func (w *Watch) see(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		var words []string
		for _, a := range ev.Args {
			words = append(words, string(a.Value)+a.Description)
		}
		w.note("console.%s: %s", ev.Type, strings.Join(words, " "))
	case *runtime.EventExceptionThrown:
		w.note("exception: %s", ev.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		if !w.ownStatus(ev.Entry) {
			w.note("%s %s: %s %s", ev.Entry.Source, ev.Entry.Level, ev.Entry.Text, ev.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if d := ev.Issue.Details.ContentSecurityPolicyIssueDetails; d != nil {
			w.note("content security policy: %s by %s", d.BlockedURL, d.ViolatedDirective)
		} else {
			w.note("issue: %s", ev.Issue.Code)
		}
	case *page.EventJavascriptDialogOpening:
		w.note("dialog: %s", ev.Message)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, w.origin+"/") {
			w.note("request to another host: %s", ev.Request.URL)
		}
	case *network.EventResponseReceived:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.answers = append(w.answers, Answer{ev.Type, ev.Response.URL, ev.Response.MimeType, ev.Response.Status})
	case *network.EventLoadingFailed:
		// Leaving a page ends its event stream; nothing else may fail.
		if !(ev.Canceled && ev.Type == network.ResourceTypeEventSource) {
			w.note("%s failed to load: %s", ev.Type, ev.ErrorText)
		}
	}
}

// ownStatus reports whether an entry only says that the page itself came with an error
// status, which Chromium logs of itself: the status is tested where the page is asked for.
func (w *Watch) ownStatus(e *log.Entry) bool {
	return e.Source == log.SourceNetwork && slices.ContainsFunc(w.Answers(network.ResourceTypeDocument), func(a Answer) bool {
		return a.URL == e.URL && a.Status >= 400
	})
}
