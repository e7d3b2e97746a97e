package rendering

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"mxseal/web/scans"
)

// SendJSON answers with what load gives, as rendering of that name.
func (m *Renderer) SendJSON(w http.ResponseWriter, r *http.Request, who scans.Client, h Head, name string, load func(context.Context) (any, error)) error {
	if name != "" {
		name = "JSON " + name
	}
	h.Kind = "application/json"
	p, err := m.Get(r.Context(), who, m.Pages, name, h, func(ctx context.Context, w io.Writer) error {
		v, err := load(ctx)
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(v)
	})
	if err != nil {
		return err
	}
	return m.Send(w, r, http.StatusOK, p)
}

// Name is under which the answer of an address is kept in memory: last is the last report that it
// shows, so that with another one it is another. One that could not be saved has no name.
func Name(address, last string, lost bool) string {
	if lost {
		return ""
	}
	return address + " " + last
}

// WriteJSON writes v, which must be marshallable, and small: everybody gets a copy.
func WriteJSON(w http.ResponseWriter, status int, kind string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Add("Vary", "Accept")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) // an error means that the visitor has left
	return nil
}
