package inbox

import (
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"mxseal/checks/tlsreport"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

func TestNames(t *testing.T) {
	addresses := (&Inboxes{Config: Config{BaseURL: "https://mxseal.example", Domain: "reports.example"}}).Addresses("abc")
	for record, want := range map[string]bool{
		`v=TLSRPTv1; rua=https://mxseal.example/tlsrpt/abc`:                   true,
		`v=TLSRPTv1;rua=mailto:a@b.example,https://mxseal.example/tlsrpt/abc`: true,
		`v=TLSRPTv1; rua=HTTPS://MXSEAL.example/tlsrpt/abc ;`:                 true,
		`v=TLSRPTv1; rua=https://mxseal.example/tlsrpt/abcd`:                  false,
		`v=TLSRPTv1; rua=https://elsewhere.example/tlsrpt/abc`:                false,
		`v=TLSRPTv1; rua=mailto:abc@mxseal.example`:                           false,
		`v=TLSRPTv1; rua=mailto:ABC@reports.example`:                          true,
		`v=spf1 -all`: false,
		``:            false,
	} {
		if got := names(record, addresses); got != want {
			t.Errorf("%s: %v", record, got)
		}
	}
}

// A report that is kept comes back as it was understood.
func TestWhatIsKeptComesBack(t *testing.T) {
	r := &tlsreport.Report{Organization: "a", Contact: "b", ID: "1", Start: time.Unix(1e9, 0).UTC(), End: time.Unix(2e9, 0).UTC(), Notes: []tlsreport.Note{tlsreport.NoZone},
		Policies: []tlsreport.Policy{{Type: tlsreport.MTASTS, Domain: "c", For: "d", Strings: []string{"mode: testing"}, MXHosts: []string{"e"}, Succeeded: 1, Failed: 2,
			Failures: []tlsreport.Failure{{Result: tlsreport.TLSAInvalid, SendingIP: "f", ReceivingMX: "g", ReceivingIP: "h", Sessions: 2, Reason: "I"}}}}}
	_, body, err := pack(r)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := unpack(body); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%+v, %v", again, err)
	}
	one, _, _ := pack(r)
	r.Policies = nil
	same, _, _ := pack(r)
	r.ID = ""
	bare, _, _ := pack(r)
	r.Contact = "j"
	if other, _, _ := pack(r); one != same || bare == one || other == bare {
		t.Error("reports are not known again by what they say of themselves")
	}
}

// A gigabyte of blanks, a mail within mails and a million policies are refused, and nothing is kept of them.
func TestHostileDeliveries(t *testing.T) {
	i := New(Config{})
	for what, text := range map[string]string{
		"nothing":       "",
		"too much":      strings.Repeat("{", Octets+1),
		"many policies": `{"policies":[` + strings.Repeat(`{},`, Octets/4) + `{}]}`,
		"nested":        strings.Repeat(`{"policies":[`, Octets/14),
	} {
		reports := 0
		if err := i.read(strings.NewReader(text), func(*tlsreport.Report) error { reports++; return nil }); !errors.Is(err, ErrNothing) || reports > 0 {
			t.Errorf("%s: %d reports, %v", what, reports, err)
		}
	}
}

// What nobody uses goes away, and what is old.
func TestInboxesExpire(t *testing.T) {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	i := New(Config{Store: s, Log: slog.New(slog.DiscardHandler)})
	now := time.Now()
	for token, one := range map[string]struct{ made, last time.Duration }{
		"unused": {61, 0}, "new": {59, 0}, "busy": {500, 1}, "left": {500, 61},
	} {
		if _, err := s.AddInbox(t.Context(), store.Inbox{Token: token, Key: token, Domain: "example.org", Made: now.Add(-24 * time.Hour * one.made)}, 10); err != nil {
			t.Fatal(err)
		}
		_, body, _ := pack(&tlsreport.Report{ID: token})
		for key, at := range map[string]time.Duration{"old": 401, "last": one.last} {
			if at > 0 && one.last > 0 {
				if _, err := s.Deliver(t.Context(), token, map[string][]byte{key: body}, now.Add(-24*time.Hour*at), 10); err != nil {
					t.Fatal(err)
				}
			}
		}
		if one.last > 0 {
			if _, err := s.Writer().Exec("UPDATE inboxes SET last = ? WHERE token = ?", now.Add(-24*time.Hour*one.last).UnixMilli(), token); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := Expire(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for token, there := range map[string]bool{"unused": false, "new": true, "busy": true, "left": false} {
		_, sum, err := i.Read(t.Context(), token)
		if (err == nil) != there || !there && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", token, err)
		}
		if token == "busy" && sum.Reports+sum.Twice != 1 {
			t.Errorf("%d reports are left", sum.Reports)
		}
	}
	if kept, err := s.Deliver(t.Context(), "busy", map[string][]byte{"more": nil}, now, 1); kept || err != nil {
		t.Errorf("one more than there is room for: %v, %v", kept, err)
	}
	if _, err := s.AddInbox(t.Context(), store.Inbox{Token: "more", Key: "more"}, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Inbox(t.Context(), "more"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("one inbox too many: %v", err)
	}
}
