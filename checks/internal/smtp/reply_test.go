package smtp

import (
	"bufio"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseLine(t *testing.T) {
	for _, test := range []struct {
		why, line string
		code      int
		text      string
		last, ok  bool
	}{
		{"last line", "250 ok", 250, "ok", true, true},
		{"more lines follow", "250-SIZE", 250, "SIZE", false, true},
		{"no text", "250", 250, "", true, true},
		{"no text, more lines follow", "250-", 250, "", false, true},
		{"lowest code", "200 x", 200, "x", true, true},
		{"highest code", "559 x", 559, "x", true, true},
		{"below the lowest of SMTP", "199 x", 199, "x", true, true},
		{"above the highest", "560 x", 560, "x", true, true},
		{"of no kind at all", "999-x", 999, "x", false, true},
		{"nought", "000 x", 0, "000 x", false, false},
		{"a tab for the blank", "250\tx", 0, "250\tx", false, false},
		{"a blank before", " 250 x", 0, " 250 x", false, false},
		{"two digits", "25 x", 0, "25 x", false, false},
		{"four digits", "2500 x", 0, "2500 x", false, false},
		{"no digits", "abc x", 0, "abc x", false, false},
		{"another separator", "250_x", 0, "250_x", false, false},
		{"empty", "", 0, "", false, false},
		{"a sign is no digit", "+25 x", 0, "+25 x", false, false},
		{"digits of another script", "٢٥٠ x", 0, "٢٥٠ x", false, false},
	} {
		code, text, last, ok := parseLine(test.line)
		if code != test.code || text != test.text || last != test.last || ok != test.ok {
			t.Errorf("%s: %q gives %d %q %v %v", test.why, test.line, code, text, last, ok)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		"220 mx.example ESMTP\r\n", "220-a\r\n220 b\r\n", "250-a\nb\n421 c\n", "600 x\r\n", "\x00\xff\r\n",
		"220 " + strings.Repeat("x", 5000), strings.Repeat("250-x\r\n", 300),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		heard := 0
		r := replies{in: bufio.NewReaderSize(strings.NewReader(string(data)), maxLine), heard: func(line string) {
			heard++
			if len(line) > maxText || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n\x1b\x00") {
				t.Errorf("heard %q", line)
			}
		}}
		for {
			reply, err := r.next()
			if len(reply.Lines) > maxLines || reply.Code != 0 && (reply.Code < 100 || reply.Code > 999) {
				t.Fatalf("a reply of %d lines with code %d", len(reply.Lines), reply.Code)
			}
			if err != nil {
				break
			}
			if reply.Code == 0 || len(reply.Lines) == 0 {
				t.Fatalf("%+v is no reply", reply)
			}
		}
		if r.octets > maxTotal+maxLine || heard > len(data) {
			t.Errorf("read %d octets, heard %d lines", r.octets, heard)
		}
	})
}
