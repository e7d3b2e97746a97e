package checks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	postTime   = 20 * time.Second // one delivery, with all that leads to it
	postAnswer = 10 * time.Second // until the answer begins
	mostAnswer = 4 << 10          // octets of it that are read
)

// Post delivers a body to the HTTPS address of somebody who asked for it, and returns the status of the answer.
// No special-purpose address is contacted, and no redirect is followed: it is the answer. The error says
// why there was none.
func (e *Engine) Post(ctx context.Context, address string, header map[string]string, body []byte) (status int, err error) {
	at, transport, err := e.web(address)
	if err != nil {
		return 0, err
	}
	transport.ResponseHeaderTimeout, transport.MaxResponseHeaderBytes = postAnswer, mostAnswer
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", at.Host, err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", "mxseal")
	resp, err := client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) { // which would say the whole address, with what is secret in it
			err = failed.Err
		}
		return 0, fmt.Errorf("%s: %w", at.Host, err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, mostAnswer)
	return resp.StatusCode, nil
}
