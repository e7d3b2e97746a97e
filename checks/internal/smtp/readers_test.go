package smtp

import (
	"strings"
	"testing"
	"testing/synctest"

	"mxseal/checks/internal/smtp/smtptest"
	"mxseal/checks/report"
)

var long = strings.Repeat("x", 400)

// deliveries were made by Postfix 3.7.11, Exim 4.96 and OpenSMTPD 6.8.0p2 to a server that
// greets and answers EHLO so: the message came over TLS, in clear, or not at all. An empty
// text is the ordinary one.
var deliveries = []struct {
	why, greeting, ehlo      string
	postfix, exim, opensmtpd report.Reading
}{
	{"base", "", "", "tls", "tls", "tls"},
	{"g-empty-after", "220 mx.example ESMTP\r\n\r\n", "", "tls", "breaks-off", "breaks-off"},
	{"g-empty-before", "\r\n220 mx.example ESMTP\r\n", "", "tls", "breaks-off", "breaks-off"},
	{"g-empty-mid", "220-a\r\n\r\n220 b\r\n", "", "tls", "breaks-off", "breaks-off"},
	{"g-empty-3", "220 mx.example ESMTP\r\n\r\n\r\n\r\n", "", "tls", "breaks-off", "breaks-off"},
	{"g-blank-after", "220 mx.example ESMTP\r\n   \r\n", "", "tls", "breaks-off", "breaks-off"},
	{"g-garbage-before", "welcome\r\n220 mx.example ESMTP\r\n", "", "tls", "breaks-off", "breaks-off"},
	{"g-garbage-after", "220 mx.example ESMTP\r\nwelcome\r\n", "", "tls", "breaks-off", "breaks-off"},
	{"g-lf", "220 mx.example ESMTP\n", "", "tls", "tls", "tls"},
	{"g-notext", "220\r\n", "", "clear", "tls", "tls"},
	{"g-nohost", "220 \r\n", "", "clear", "tls", "tls"},
	{"g-slow-multi", "220-mx please wait\r\n220 mx ready\r\n", "", "tls", "tls", "tls"},
	{"g-250", "250 hi\r\n", "", "tls", "tls", "tls"},
	{"g-200", "200 hi\r\n", "", "tls", "tls", "tls"},
	{"g-mixed-554", "220-hi\r\n554 no\r\n", "", "breaks-off", "tls", "tls"},
	{"g-mixed-220", "554-hi\r\n220 ok\r\n", "", "tls", "breaks-off", "breaks-off"},
	{"g-len600", "220 " + strings.Repeat("x", 600) + "\r\n", "", "tls", "tls", "tls"},
	{"g-len2100", "220 " + strings.Repeat("x", 2100) + "\r\n", "", "tls", "tls", "breaks-off"},
	{"g-len5000", "220 " + strings.Repeat("x", 5000) + "\r\n", "", "tls", "breaks-off", "breaks-off"},
	{"g-nul", "220 mx\x00.example\r\n", "", "tls", "tls", "tls"},
	{"g-split", "220-mx\r\n220 go\r\n", "", "tls", "tls", "tls"},
	{"g-150lines", strings.Repeat("220-x\r\n", 150) + "220 mx.example ESMTP\r\n", "", "tls", "tls", "tls"},
	{"g-90x400", strings.Repeat("220-"+long+"\r\n", 90) + "220 mx.example ESMTP\r\n", "", "tls", "breaks-off", "tls"},
	{"g-tab", "220\tmx.example ESMTP\r\n", "", "breaks-off", "breaks-off", "tls"},
	{"g-nosep", "220mx.example ESMTP\r\n", "", "breaks-off", "breaks-off", "tls"},
	{"g-under", "220_mx.example\r\n", "", "breaks-off", "breaks-off", "tls"},
	{"g-leadblank", " 220 mx.example\r\n", "", "breaks-off", "breaks-off", "breaks-off"},
	{"g-4digit", "2200 mx.example\r\n", "", "breaks-off", "breaks-off", "tls"},
	{"g-299", "299 mx.example\r\n", "", "tls", "tls", "tls"},
	{"g-600", "600 mx.example\r\n", "", "breaks-off", "breaks-off", "breaks-off"},
	{"g-450", "450 later\r\n", "", "breaks-off", "breaks-off", "breaks-off"},
	{"e-empty-mid", "", "250-mx.example\r\n\r\n250-PIPELINING\r\n\r\n250 STARTTLS\r\n", "tls", "breaks-off", "breaks-off"},
	{"e-empty-after", "", "250-mx.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n\r\n", "tls", "breaks-off", "breaks-off"},
	{"e-empty-before", "", "\r\n250-mx.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n", "tls", "breaks-off", "breaks-off"},
	{"b9", "220 mx.example ESMTP\r\n\r\n", "250-mx.example\r\n\r\n250-PIPELINING\r\n\r\n250 STARTTLS\r\n", "tls", "breaks-off", "breaks-off"},
	{"e-blankline-mid", "", "250-mx.example\r\n   \r\n250-PIPELINING\r\n250 STARTTLS\r\n", "tls", "breaks-off", "breaks-off"},
	{"e-first", "", "250-STARTTLS\r\n250 PIPELINING\r\n", "clear", "clear", "tls"},
	{"e-only", "", "250 STARTTLS\r\n", "clear", "clear", "tls"},
	{"e-first-twice", "", "250-STARTTLS\r\n250-PIPELINING\r\n250 STARTTLS\r\n", "tls", "tls", "tls"},
	{"e-glued", "", "250-mx.example STARTTLS\r\n250 PIPELINING\r\n", "clear", "clear", "clear"},
	{"e-glued-single", "", "250 mx.example STARTTLS\r\n", "clear", "clear", "clear"},
	{"e-lower", "", "250-mx\r\n250-starttls\r\n250 SIZE\r\n", "tls", "clear", "clear"},
	{"e-mixedcase", "", "250-mx\r\n250-StartTLS\r\n250 SIZE\r\n", "tls", "clear", "clear"},
	{"e-param", "", "250-mx\r\n250-STARTTLS foo\r\n250 SIZE\r\n", "tls", "tls", "clear"},
	{"e-tab-after", "", "250-mx\r\n250-STARTTLS\t\r\n250 SIZE\r\n", "clear", "tls", "clear"},
	{"e-tab-param", "", "250-mx\r\n250-STARTTLS\tfoo\r\n250 SIZE\r\n", "clear", "tls", "clear"},
	{"e-tab-before", "", "250-mx\r\n250-\tSTARTTLS\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-tab-sep", "", "250-mx\r\n250\tSTARTTLS\r\n250 SIZE\r\n", "clear", "breaks-off", "breaks-off"},
	{"e-blank-before", "", "250-mx\r\n250- STARTTLS\r\n250 SIZE\r\n", "tls", "clear", "clear"},
	{"e-blank-after", "", "250-mx\r\n250-STARTTLS \r\n250 SIZE\r\n", "tls", "tls", "clear"},
	{"e-last-2blanks", "", "250-mx\r\n250-SIZE\r\n250  STARTTLS\r\n", "tls", "clear", "clear"},
	{"e-equals", "", "250-mx\r\n250-STARTTLS=\r\n250 SIZE\r\n", "tls", "clear", "clear"},
	{"e-equals-last", "", "250-mx\r\n250 STARTTLS=\r\n", "tls", "clear", "clear"},
	{"e-colon", "", "250-mx\r\n250-STARTTLS:\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-comma", "", "250-mx\r\n250-STARTTLS,PIPELINING\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-semicolon", "", "250-mx\r\n250-STARTTLS;\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-dot", "", "250-mx\r\n250-STARTTLS.\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-xdash", "", "250-mx\r\n250-X-STARTTLS\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-xglued", "", "250-mx\r\n250-XSTARTTLS\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-longer", "", "250-mx\r\n250-STARTTLSX\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-dashdash", "", "250-mx\r\n250--STARTTLS\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-two-on-line", "", "250-mx\r\n250-PIPELINING STARTTLS\r\n250 X\r\n", "clear", "clear", "clear"},
	{"e-lf", "", "250-mx\n250-STARTTLS\n250 SIZE\n", "tls", "tls", "tls"},
	{"e-cr-only-mid", "", "250-mx\r250-STARTTLS\r250 SIZE\r\n", "breaks-off", "breaks-off", "breaks-off"},
	{"e-crcrlf", "", "250-mx\r\r\n250-STARTTLS\r\r\n250 SIZE\r\r\n", "tls", "tls", "clear"},
	{"e-nul-after", "", "250-mx\r\n250-STARTTLS\x00\r\n250 SIZE\r\n", "tls", "tls", "tls"},
	{"e-nul-before", "", "250-mx\r\n250-\x00STARTTLS\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-nul-mid", "", "250-mx\r\n250-START\x00TLS\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-nul-elsewhere", "", "250-m\x00x\r\n250-SI\x00ZE\r\n250 STARTTLS\r\n", "tls", "clear", "tls"},
	{"e-8bit", "", "250-m\xe9\r\n250-X\xff\r\n250 STARTTLS\r\n", "tls", "tls", "tls"},
	{"e-long600", "", "250-mx\r\n250-X " + strings.Repeat("x", 600) + "\r\n250 STARTTLS\r\n", "tls", "tls", "tls"},
	{"e-long2100", "", "250-mx\r\n250-X " + strings.Repeat("x", 2100) + "\r\n250 STARTTLS\r\n", "clear", "tls", "breaks-off"},
	{"e-long5000", "", "250-mx\r\n250-X " + strings.Repeat("x", 5000) + "\r\n250 STARTTLS\r\n", "clear", "breaks-off", "breaks-off"},
	{"e-longhost2100", "", "250-" + strings.Repeat("x", 2100) + "\r\n250 STARTTLS\r\n", "clear", "tls", "breaks-off"},
	{"e-longpar2100", "", "250-mx\r\n250-STARTTLS " + strings.Repeat("x", 2100) + "\r\n250 SIZE\r\n", "tls", "tls", "breaks-off"},
	{"e-mix-220line", "", "250-mx\r\n220-STARTTLS\r\n250 SIZE\r\n", "tls", "clear", "tls"},
	{"e-mix-500line", "", "250-mx\r\n500-STARTTLS\r\n250 SIZE\r\n", "tls", "clear", "tls"},
	{"e-mix-other500", "", "250-mx\r\n500-X\r\n250 STARTTLS\r\n", "tls", "tls", "tls"},
	{"e-mix-last500", "", "250-mx\r\n250-STARTTLS\r\n500 x\r\n", "clear", "tls", "tls"},
	{"e-mix-first500", "", "500-mx\r\n250-STARTTLS\r\n250 x\r\n", "tls", "clear", "clear"},
	{"e-notext-end", "", "250-mx\r\n250-STARTTLS\r\n250\r\n", "tls", "tls", "tls"},
	{"e-notext-mid", "", "250-mx\r\n250-\r\n250 STARTTLS\r\n", "tls", "tls", "tls"},
	{"e-notext-first", "", "250-\r\n250 STARTTLS\r\n", "clear", "tls", "tls"},
	{"e-desync", "", "250-mx\r\n250\r\n250 STARTTLS\r\n", "clear", "clear", "breaks-off"},
	{"e-nocode", "", "250-mx\r\nSTARTTLS\r\n250 SIZE\r\n", "clear", "breaks-off", "breaks-off"},
	{"e-nocode-other", "", "250-mx\r\nhello\r\n250 STARTTLS\r\n", "tls", "breaks-off", "breaks-off"},
	{"e-nosep", "", "250-mx\r\n250STARTTLS\r\n250 SIZE\r\n", "clear", "breaks-off", "breaks-off"},
	{"e-under", "", "250-mx\r\n250_STARTTLS\r\n250 SIZE\r\n", "clear", "breaks-off", "breaks-off"},
	{"e-lead", "", "250-mx\r\n 250-STARTTLS\r\n250 SIZE\r\n", "tls", "breaks-off", "breaks-off"},
	{"e-500", "", "500 what\r\n", "clear", "clear", "clear"},
	{"e-502", "", "502 what\r\n", "clear", "clear", "clear"},
	{"e-550", "", "550 no\r\n", "clear", "clear", "clear"},
	{"e-554", "", "554 no\r\n", "clear", "clear", "clear"},
	{"e-503", "", "503 no\r\n", "clear", "clear", "clear"},
	{"e-501", "", "501 no\r\n", "clear", "clear", "clear"},
	{"e-450", "", "450 no\r\n", "clear", "clear", "clear"},
	{"e-421", "", "421 no\r\n", "breaks-off", "clear", "clear"},
	{"e-220code", "", "220-mx\r\n220 STARTTLS\r\n", "tls", "clear", "tls"},
	{"e-251code", "", "251-mx\r\n251 STARTTLS\r\n", "tls", "clear", "tls"},
	{"e-200code", "", "200-mx\r\n200 STARTTLS\r\n", "tls", "clear", "tls"},
	{"e-300lines", "", "250-mx\r\n" + strings.Repeat("250-X\r\n", 300) + "250 STARTTLS\r\n", "tls", "tls", "tls"},
	{"e-130x500", "", "250-mx\r\n" + strings.Repeat("250-X "+long+"\r\n", 130) + "250 STARTTLS\r\n", "clear", "breaks-off", "tls"},
	{"e-enh", "", "250-2.0.0 mx\r\n250-2.0.0 STARTTLS\r\n250 2.0.0 SIZE\r\n", "clear", "clear", "clear"},
	{"e-X", "", "250-mx\r\n250-XXXXXXXA\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"g-stars", "220 ****************************\r\n", "", "clear", "tls", "tls"},
	{"g-stars20", "220 **2******0**\r\n", "", "clear", "tls", "tls"},
	{"g-stars-more", "220 ****** x\r\n", "", "tls", "tls", "tls"},
	{"g-hyphen-end", "220-\r\n220 mx.example\r\n", "", "tls", "tls", "tls"},
	{"g-esmtp-only", "220 ESMTP\r\n", "", "tls", "tls", "tls"},
	{"e-sptab", "", "250-mx\r\n250-STARTTLS \t\r\n250 SIZE\r\n", "tls", "tls", "clear"},
	{"e-vt", "", "250-mx\r\n250-STARTTLS\x0b\r\n250 SIZE\r\n", "clear", "tls", "clear"},
	{"e-nbsp", "", "250-mx\r\n250-STARTTLS\xa0\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-first-lower", "", "250-starttls\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-first-param", "", "250-STARTTLS mx\r\n250 SIZE\r\n", "clear", "clear", "clear"},
	{"e-first-after-empty", "", "250-\r\n250-STARTTLS\r\n250 SIZE\r\n", "clear", "tls", "tls"},
	{"e-first-nocode", "", "hello\r\n250-STARTTLS\r\n250 SIZE\r\n", "clear", "breaks-off", "breaks-off"},
	{"e-first-emptyline", "", "\r\n250-STARTTLS\r\n250 SIZE\r\n", "clear", "breaks-off", "breaks-off"},
	{"e-last-blank", "", "250-mx\r\n250 STARTTLS \r\n", "tls", "tls", "clear"},
	{"e-lead0", "", "250-mx\r\n250-SIZE\r\n 250 STARTTLS\r\n", "breaks-off", "breaks-off", "breaks-off"},
	{"e-999", "", "250-mx\r\n999-STARTTLS\r\n250 SIZE\r\n", "tls", "clear", "breaks-off"},
	{"e-2500", "", "250-mx\r\n2500-STARTTLS\r\n250 SIZE\r\n", "tls", "breaks-off", "breaks-off"},
	{"e-colonhost", "", "250-mx:\r\n250-STARTTLS\r\n250 SIZE\r\n", "tls", "tls", "tls"},
	{"e-250tab-only", "", "250-mx\r\n250\tSTARTTLS\r\n", "breaks-off", "breaks-off", "tls"},
	{"e-lower-last", "", "250-mx\r\n250 starttls\r\n", "tls", "clear", "clear"},
	{"e-split", "", "250-mx\r\n250-STARTTLS\r\n250 SIZE\r\n", "tls", "tls", "tls"},
	{"e-600last", "", "250-mx\r\n250-STARTTLS\r\n600 x\r\n", "clear", "tls", "breaks-off"},
}

// What we see is what Postfix sees, and where the others see something else that is known.
func TestWhatSendersRead(t *testing.T) {
	for _, d := range deliveries {
		t.Run(d.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if d.greeting == "" {
					d.greeting = "220 mx.example ESMTP\r\n"
				}
				if d.ehlo == "" {
					d.ehlo = "250-mx.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
				}
				server := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) {
					c.Raw(d.greeting)
					for {
						line, ok := c.Hear()
						switch {
						case !ok:
							return
						case strings.HasPrefix(line, "EHLO"):
							c.Raw(d.ehlo)
						default:
							c.Say("250 ok")
						}
					}
				}}
				defer server.Wait()
				s, err := Dial(t.Context(), server.Peer(), Config{})
				if err == nil {
					_, _, err = s.Hello()
				}
				if s != nil {
					defer s.Close()
				}
				postfix := report.ReadsClear
				switch {
				case err != nil:
					postfix = report.ReadsNothing
				case s.Offers("STARTTLS"):
					postfix = report.ReadsTLS
				}
				if postfix != d.postfix {
					t.Errorf("read %s, Postfix does %s: %v", postfix, d.postfix, err)
				}
				if err != nil {
					return
				}
				got := map[string]report.Reading{"postfix": postfix, "exim": postfix, "opensmtpd": postfix}
				if s.Offer != nil {
					got = s.Offer.Readers
					if s.Offer.Form == "" && len(s.Oddities) == 0 {
						t.Error("nobody knows why they part")
					}
				}
				if s.Offer != nil && s.Offer.Form == report.FormMaskedGreeting { // EHLO was not said
					d.exim, d.opensmtpd = "", ""
				}
				if got["postfix"] != d.postfix || got["exim"] != d.exim || got["opensmtpd"] != d.opensmtpd {
					t.Errorf("%+v, want %s, %s, %s", s.Offer, d.postfix, d.exim, d.opensmtpd)
				}
			})
		})
	}
}

// The first line of the answer to EHLO holds the host's name, which may hold the word.
func TestTheWordInAHostsName(t *testing.T) {
	for line, want := range map[string]report.OfferForm{
		"250-mx.hidden-starttls.test":              "",
		"250-starttls.example.org":                 "",
		"250-mx.example.org STARTTLS":              "host-line",
		"250-mx.example.org SIZE=1 starttls hello": "host-line",
		"250-STARTTLS":                             "first-line",
		"250-starttls foo":                         "first-line",
	} {
		if got, _ := form(nil, []string{line, "250 SIZE"}); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
