package templates

import "testing"

// When a check ends every stage has come to an end, and is told of where that is news.
func TestEveryStageEnds(t *testing.T) {
	r := Running{Stages: []Stage{
		{Topic: Topic{ID: "mx"}, Begun: 1, Ended: 1}, {Topic: Topic{ID: "tls"}, Begun: 2, Ended: 1}, {Topic: Topic{ID: "dane"}},
	}}
	rest := r.Rest()
	if len(rest) != 2 || rest[0] != (Advance{Stage: "tls", State: "untested", Text: "stopped", Done: 3, Total: 3}) || rest[1] != (Advance{Stage: "dane", State: "none", Text: "skipped", Done: 3, Total: 3}) {
		t.Errorf("%+v", rest)
	}
	if rest := (Running{Stages: []Stage{{}, {}}}).Rest(); rest == nil || len(rest) != 0 {
		t.Errorf("nothing was heard, and the page is told %+v", rest)
	}
}
