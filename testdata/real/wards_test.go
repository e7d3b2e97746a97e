package real

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ward is a mail server as Debian installs it, opened to the network where Debian has not done
// so, and how what is printed for it comes into its configuration.
type ward struct {
	name    string // of the image, and of the program in the tests' names
	program *regexp.Regexp
	etc     string // its configuration
	opened  string // commands after its installation
	begin   string // commands that have it read its configuration
	file    string // to which lines go, if any do
	put     func(text string, s step) string
}

var wards = []ward{
	{name: "postfix", program: regexp.MustCompile(`^Postfix: `), etc: "/etc/postfix",
		opened: "postconf -e inet_protocols=ipv4", begin: "postfix status && postfix reload || systemctl start postfix"},
	{name: "exim", program: regexp.MustCompile(`^Exim of Debian`), etc: "/etc/exim4", file: "/etc/exim4/exim4.conf.localmacros", put: putExim,
		opened: "touch /etc/exim4/exim4.conf.localmacros", begin: "update-exim4.conf && systemctl restart exim4"},
	{name: "opensmtpd", program: regexp.MustCompile(`^OpenSMTPD: `), etc: "/etc/smtpd.conf", file: "/etc/smtpd.conf", put: putOpenSMTPD,
		opened: `sed -i 's/^listen on localhost$/listen on 0.0.0.0 hostname ` + host + `/; s/^match for local/match from any for domain "` + host + `" action "local"\n&/' /etc/smtpd.conf`, begin: "systemctl restart opensmtpd"},
	{name: "sendmail", program: regexp.MustCompile(`^Sendmail: `), etc: "/etc/mail", file: "/etc/mail/sendmail.mc", put: putSendmail,
		opened: "sed -i 's/Port=smtp, Addr=127.0.0.1/Port=smtp/' /etc/mail/sendmail.mc", begin: "make -C /etc/mail && systemctl restart sendmail"},
}

// unhurried has Sendmail take mail however much this machine has to do.
const unhurried = "define(`confREFUSE_LA', `999')dnl\ndefine(`confQUEUE_LA', `999')dnl\ndefine(`confDELAY_LA', `999')dnl"

// open starts the machine of a ward, whose daemon has a certificate's files as certbot leaves them:
// readable by root alone.
func (w ward) open(t *testing.T) *town {
	t.Helper()
	n := newTown(t, w.name, "example.net. IN MX 10 mx.example.net.", host+". IN MX 10 "+host+".", host+". IN A "+homeIP)
	n.receive(far)
	live := n.machine.path("/etc/letsencrypt/live/" + host)
	n.machine.must("umask 077 && mkdir -p /etc/letsencrypt/live/" + host + " && chmod 755 /etc/letsencrypt")
	c := rsaFromCA(host)
	n.must(writeAll(live, map[string]string{"fullchain.pem": string(block("CERTIFICATE", c.sent[0])) + string(block("CERTIFICATE", c.named["root"])), "chain.pem": string(block("CERTIFICATE", c.named["root"])), "privkey.pem": string(privateKey(c.key))}))
	n.machine.must("chmod 600 /etc/letsencrypt/live/*/*; " + w.opened)
	if w.name == "sendmail" {
		n.machine.write(w.file, w.put(n.machine.read(w.file), step{Code: unhurried}))
	}
	n.machine.must("cp -a " + w.etc + " /pristine && [ ! -e /etc/letsencrypt ] || cp -a /etc/letsencrypt /letsencrypt")
	return n
}

// restart puts the configuration back to how it was and adds lines of a patient's.
func (w ward) restart(n *town, faulty []string) {
	n.t.Helper()
	n.machine.must("rm -rf " + w.etc + " && cp -a /pristine " + w.etc + " && rm -f /var/mail/someone /home/someone/Maildir/new/*")
	for _, line := range faulty {
		switch {
		case strings.HasPrefix(line, "$ "):
			n.machine.must(line[2:])
		case w.file == "":
			n.machine.must("postconf -e '" + line + "'")
		default:
			n.machine.write(w.file, w.put(n.machine.read(w.file), step{Code: line}))
		}
	}
	n.machine.must(w.begin)
	if !listens(n.t, n.outside, homeIP+":25") {
		n.t.Fatalf("%s does not listen\n%s", w.name, n.machine.log())
	}
}

// follow does what the steps say, in their order and word by word, and returns what it did. A
// command that several findings end with is run once, at the last.
func (w ward) follow(n *town, p patient, findings []advised) (done []step) {
	n.t.Helper()
	var all []step
	for _, f := range findings {
		for _, s := range f.Steps {
			if w.program.MatchString(s.Where) || p.authority && s.Kind == "command" && s.Where == "a shell on "+host {
				all = append(all, s)
			}
		}
	}
	for i, s := range all {
		same := func(o step) bool { return o.Code == s.Code && o.Where == s.Where }
		switch {
		case (s.Kind == "config" || s.Kind == "task") && !slices.ContainsFunc(all[:i], same):
			n.machine.write(w.file, w.put(n.machine.read(w.file), s))
		case s.Kind == "command" && strings.Contains(s.Text, "Nothing printed"): // a log, in which there is nothing so far
			_, err := n.machine.run(s.Code)
			if demanded := slices.ContainsFunc(findings, func(f advised) bool { return f.Rule == "ENF-08" }); err != nil && !demanded {
				n.logged(s)
			}
		case s.Kind == "command" && !slices.ContainsFunc(all[i+1:], same):
			_, err := n.machine.run(s.Code)
			if refused := err != nil && p.refused != "" && strings.Contains(err.Error(), p.refused); err != nil && !refused || err == nil && p.refused != "" {
				n.t.Errorf("what is printed fails, or does not and should: %v\n%s", err, n.machine.log())
				continue
			}
		default:
			continue
		}
		done = append(done, s)
	}
	if !listens(n.t, n.outside, homeIP+":25") {
		n.t.Errorf("%s does not listen any more\n%s", w.name, n.machine.log())
	}
	return done
}

// What is said of a list that is there already, of an option that goes and of a word that goes.
var (
	taken  = regexp.MustCompile(`If (.+?) holds (\S+), take that word out and leave the others\.`)
	behind = regexp.MustCompile(`If there is a line (.+?) already, keep what is in it and put “([^”]+)” behind\.`)
	goes   = regexp.MustCompile(`A line (\S+) goes\.`)
)

// putLines is for files in which an option stands once: a line takes the place of that with the
// same name, unless the text says that the words go behind those that are there.
func putLines(text string, s step, name func(line string) string, extend func(line, words string) string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	more := make(map[string]string)
	for _, m := range behind.FindAllStringSubmatch(s.Text, -1) {
		more[m[1]] = m[2]
	}
	for _, m := range goes.FindAllStringSubmatch(s.Text, -1) {
		lines = slices.DeleteFunc(lines, func(l string) bool { return name(l) == m[1] })
	}
	for line := range strings.SplitSeq(s.Code, "\n") {
		at := slices.IndexFunc(lines, func(l string) bool { return l != "" && name(l) == name(line) })
		switch words, list := more[name(line)]; {
		case at < 0:
			lines = append(lines, line)
		case list:
			lines[at] = extend(lines[at], words)
		default:
			lines[at] = line
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func putExim(text string, s step) string {
	return putLines(text, s, func(line string) string { name, _, _ := strings.Cut(line, " ="); return name }, func(line, words string) string { return line + words })
}

// The lines “listen on” take the place of those that listen on port 25, where they stood.
func putOpenSMTPD(text string, s step) string {
	var lines []string
	if m := taken.FindStringSubmatch(s.Text); m != nil {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, m[1]) {
				line = strings.Replace(line, " "+m[2], "", 1)
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "")
	}
	if strings.HasPrefix(s.Code, "ciphers ") {
		return regexp.MustCompile(`(?m)^listen on .*`).ReplaceAllString(text, "$0 "+s.Code)
	}
	if !strings.Contains(s.Code, "listen on") { // of a patient
		return s.Code + "\n" + text
	}
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "listen on"):
			lines, s.Code = append(lines, strings.TrimSpace(s.Code)+"\n"), ""
		case !strings.HasPrefix(line, "pki "+host) || s.Code == "":
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func putSendmail(text string, s step) string {
	at := strings.Index(text, "MAILER_DEFINITIONS")
	return text[:at] + s.Code + "\n" + text[at:]
}
