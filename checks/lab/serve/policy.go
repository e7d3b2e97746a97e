package serve

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// PolicyPath is where the policy of MTA-STS lies on its host (RFC 8461 §3.3).
const PolicyPath = "/.well-known/mta-sts.txt"

const (
	patience      = time.Minute // for one request
	requestOctets = 1 << 16
)

// Page is what is answered over HTTP.
type Page struct {
	Status    int    // 200 if zero
	MediaType string // text/plain if empty
	Location  string // of a redirect
	Body      string
}

// WriteTo sends the page; after it the connection ends.
func (p Page) WriteTo(w io.Writer) (int64, error) {
	location := ""
	if p.Location != "" {
		location = "Location: " + p.Location + "\r\n"
	}
	status := cmp.Or(p.Status, http.StatusOK)
	n, err := fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n%s",
		status, http.StatusText(status), cmp.Or(p.MediaType, "text/plain"), len(p.Body), location, p.Body)
	return int64(n), err
}

// HTTPS does the handshake on a connection, reads one request, has it answered, and closes.
func HTTPS(c net.Conn, config *tls.Config, answer func(*tls.Conn, *http.Request)) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	t := tls.Server(c, config)
	defer t.Close()
	request, err := http.ReadRequest(bufio.NewReader(io.LimitReader(t, requestOctets)))
	if err != nil {
		return
	}
	answer(t, request)
}
