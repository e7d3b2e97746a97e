package watching

import (
	"encoding/json"
	"testing"
	"time"
)

// What to tell of one watched domain, with its state read and written as it is kept.
func BenchmarkNext(b *testing.B) {
	var s State
	for day := 0.3; day < 180; day++ {
		s, _ = Next(s, daneDomain.look(day), nil, begin.Add(time.Duration(day*24*float64(time.Hour))))
	}
	text, err := json.Marshal(s)
	if err != nil {
		b.Fatal(err)
	}
	r := daneDomain.look(180.3)
	for b.Loop() {
		var kept State
		if err := json.Unmarshal(text, &kept); err != nil {
			b.Fatal(err)
		}
		kept, _ = Next(kept, r, nil, begin.Add(181*day))
		if _, err := json.Marshal(kept); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*100_000, "s/100000")
}
