package faults

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mxseal/testdata/faults/world"
)

// What a client may cost who has thirty domains checked that do all they can to make their
// reports large.
const (
	largeDomains  = 30
	largeResident = 200       // MiB, at the most
	largeDisk     = 6_000_000 // octets more in the file of reports
	largeReport   = 1_000_000 // octets of one as JSON
)

// One client has thirty domains checked, each with ten mail servers of four addresses, which show
// a fresh chain of 120 KB at every handshake, as many at a time as he may: no report is lost, every page is served, and neither
// the memory nor the disk is used up.
func TestReportsThatGrow(t *testing.T) {
	must(t, the.Fresh(largeDomains))
	data := t.TempDir()
	p := serve(t, data, "--timeout", "30s", "--pace", "0s")
	check(t, p, "perfect.test", 30*time.Second)
	disk := func() (octets int64) {
		for _, name := range []string{"mxseal.db", "mxseal.db-wal"} {
			if info, err := os.Stat(filepath.Join(data, name)); err == nil {
				octets += info.Size()
			}
		}
		return octets
	}
	before, client := disk(), world.Visitor(true)
	defer client.CloseIdleConnections()
	domain := func(i int) string { return fmt.Sprintf("%d.%s", i, world.Fresh) }
	for i, ended := 0, 0; i < largeDomains; {
		resp, err := client.PostForm(p.URL+"/check", url.Values{"domain": {domain(i)}})
		must(t, err)
		resp.Body.Close()
		switch again := resp.Header.Get("Retry-After"); {
		case resp.StatusCode == http.StatusSeeOther:
			i++
		case resp.StatusCode == http.StatusTooManyRequests && again != "" && ended < i:
			await(t, p, domain(ended), 4*time.Minute) // he has his share, and comes again when one has ended
			ended++
		default:
			t.Fatalf("POST of %s: %d, to come again after %q s", domain(i), resp.StatusCode, again)
		}
	}
	var pages []string
	slowest := func() (longest time.Duration) {
		for _, address := range pages {
			start := time.Now()
			status, body := get(client, p.URL+address)
			if longest = max(longest, time.Since(start)); status != http.StatusOK || !strings.Contains(body, "</") {
				t.Errorf("%s: %d, %d octets", address, status, len(body))
			}
		}
		return longest
	}
	largest, connections, met := 0, 0, 0
	for i := range largeDomains {
		r := await(t, p, domain(i), 4*time.Minute)
		connections += r.Connections
		status, body := get(client, p.URL+"/report/"+r.ID, "Accept", "application/json")
		if largest = max(largest, len(body)); status != http.StatusOK || !whole(body) {
			t.Errorf("the report of %s: %d, %d octets, whole %v", r.Domain, status, len(body), whole(body))
		}
		if strings.Contains(body, `"cut":[`) {
			met++
		}
		pages = append(pages, "/report/"+r.ID, "/check/"+r.Domain, "/badge/"+r.Domain+".svg")
	}
	longest := slowest()
	grown := disk() - before
	t.Logf("%d domains, %d of them large, %d connections: at most %d MiB resident, %.1f MB more on disk, a report of at most %d octets, the slowest of %d pages in %v",
		largeDomains, met, connections, p.Peak(), float64(grown)/1e6, largest, len(pages), longest.Round(time.Millisecond))
	if met < largeDomains/3 || connections < 40*largeDomains/2 { // the weapon: otherwise nothing was tested
		t.Errorf("%d domains could make their reports large, by %d connections", met, connections)
	}
	if p.Peak() > largeResident || grown > largeDisk || largest > largeReport {
		t.Errorf("want at most %d MiB, %d octets more on disk, and %d of a report", largeResident, largeDisk, largeReport)
	}
	must(t, p.Stop())
	if kept := integrity(t, data); kept != largeDomains+1 {
		t.Errorf("%d reports are kept of %d", kept, largeDomains+1)
	}
}
