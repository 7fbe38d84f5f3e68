// loadgen sends signed events to one URL and measures the answers.
//
// Closed loop (-rate 0): every connection sends its next event when it has its answer.
// Open loop (-rate N): event k is due k/N seconds after the start, whether the server keeps up or not, and its
// answer time counts from when it was due.
//
// Every event is unique. The ids of all that were answered 2xx go to the -ledger file, one per line; the result is one
// JSON object on standard output, times in microseconds.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"log"
	"net/url"
	"os"
	"sort"
	"sync"
	"time"
)

type options struct {
	target      *url.URL
	secret      string
	run         string
	connections int
	tenants     int
	size        int
	rate        float64
	warmUp      time.Duration
	measured    time.Duration
	patience    time.Duration
}

type result struct {
	Answers   map[string]int `json:"answers"`
	Errors    map[string]int `json:"errors"`
	Acked     int            `json:"acked"`
	Measured  int            `json:"measured"`
	Seconds   float64        `json:"seconds"`
	PerSecond float64        `json:"per_second"`
	Microsecs map[string]int `json:"microseconds"`
	MaxBehind int            `json:"behind_microseconds"`
}

func main() {
	o, ledger := parse()
	callers := make([]*caller, o.connections)
	begin := time.Now().Add(50 * time.Millisecond)
	var all sync.WaitGroup
	for i := range callers {
		callers[i] = newCaller(o, i)
		all.Add(1)
		go func(c *caller) {
			defer all.Done()
			c.run(begin)
		}(callers[i])
	}
	all.Wait()
	write(ledger, callers)
	if err := json.NewEncoder(os.Stdout).Encode(summary(o, callers)); err != nil {
		log.Fatal(err)
	}
}

func parse() (*options, string) {
	o := &options{}
	target := flag.String("url", "http://127.0.0.1:8080/webhook", "where to")
	ledger := flag.String("ledger", "", "file for the ids of what was answered 2xx")
	flag.StringVar(&o.secret, "secret", "seismic-demo-secret", "signs the bodies")
	flag.StringVar(&o.run, "run", "run", "prefix of the ids")
	flag.IntVar(&o.connections, "connections", 64, "kept alive, one event at a time each")
	flag.IntVar(&o.tenants, "tenants", 100, "how many tenants")
	flag.IntVar(&o.size, "size", 600, "bytes of a body, about")
	flag.Float64Var(&o.rate, "rate", 0, "events per second; 0: as fast as they are answered")
	flag.DurationVar(&o.warmUp, "warm-up", time.Second, "sent, but not measured")
	flag.DurationVar(&o.measured, "for", 5*time.Second, "how long to measure")
	flag.DurationVar(&o.patience, "patience", 10*time.Second, "longest wait for an answer")
	flag.Parse()
	var err error
	if o.target, err = url.Parse(*target); err != nil {
		log.Fatal(err)
	}
	return o, *ledger
}

func write(path string, callers []*caller) {
	if path == "" {
		return
	}
	file, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	defer out.Flush()
	for _, c := range callers {
		for _, id := range c.acked {
			out.WriteString(id)
			out.WriteByte('\n')
		}
	}
}

func summary(o *options, callers []*caller) result {
	r := result{Answers: map[string]int{}, Errors: map[string]int{}, Microsecs: map[string]int{}}
	var times []time.Duration
	for _, c := range callers {
		r.Acked += len(c.acked)
		times = append(times, c.times...)
		for name, n := range c.answers {
			r.Answers[name] += n
		}
		for name, n := range c.errors {
			r.Errors[name] += n
		}
		r.MaxBehind = max(r.MaxBehind, int(c.behind.Microseconds()))
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	r.Measured, r.Seconds = len(times), o.measured.Seconds()
	r.PerSecond = float64(len(times)) / o.measured.Seconds()
	for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1} {
		if len(times) > 0 {
			r.Microsecs[name] = int(times[min(len(times)-1, int(share*float64(len(times))))].Microseconds())
		}
	}
	return r
}
