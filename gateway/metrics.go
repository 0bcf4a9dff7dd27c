package gateway

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// metrics are what Prometheus reads. Labels are names of the configuration and
// words of this house, so their number is bounded; clients are none.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	attempts *prometheus.CounterVec
	cost     *prometheus.CounterVec
	unknown  *prometheus.CounterVec
	waits    *prometheus.CounterVec
	running  prometheus.Gauge
}

var (
	windowUsed = prometheus.NewDesc("plantain_window_used", "Room of a window that is taken; spend in nano-dollars.", []string{"project", "model", "limit"}, nil)
	windowSize = prometheus.NewDesc("plantain_window_limit", "Size of a window; spend in nano-dollars.", []string{"project", "model", "limit"}, nil)
	parkedDesc = prometheus.NewDesc("plantain_parked", "1 where a project is parked; an empty model is the whole project.", []string{"project", "model", "reason"}, nil)
)

// metrics makes the collectors when they are first needed.
func (g *Gateway) metrics() *metrics {
	g.once.Do(func() {
		m := &metrics{registry: prometheus.NewRegistry()}
		counter := func(name, help string, labels ...string) *prometheus.CounterVec {
			c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
			m.registry.MustRegister(c)
			return c
		}
		m.requests = counter("plantain_requests_total", "Requests by the HTTP status that the client got.", "status")
		m.attempts = counter("plantain_attempts_total", "Attempts by what came of them.", "project", "model", "verdict", "charged")
		m.cost = counter("plantain_cost_dollars_total", "What attempts cost for certain.", "project", "model", "verdict")
		m.unknown = counter("plantain_cost_unknown_dollars_total", "The most that attempts can have cost beyond that, where their end was not seen.", "project", "model")
		m.waits = counter("plantain_waits_total", "Waits of requests, by what they were for.", "reason")
		m.running = prometheus.NewGauge(prometheus.GaugeOpts{Name: "plantain_requests_running", Help: "Requests that are being served."})
		m.registry.MustRegister(m.running, windows{g}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		g.counted = m
	})
	return g.counted
}

// Observe counts an event of the relay.
func (g *Gateway) Observe(e relay.Event) {
	m := g.metrics()
	project, model := string(e.Project), string(e.Model)
	switch e.Kind {
	case relay.EventJudged:
		m.attempts.WithLabelValues(project, model, e.Class.String(), e.Charged.String()).Inc()
		m.cost.WithLabelValues(project, model, e.Class.String()).Add(dollars(e.Cost.Low))
		if !e.Cost.Known() {
			m.unknown.WithLabelValues(project, model).Add(dollars(e.Cost.High - e.Cost.Low))
		}
	case relay.EventWaiting:
		m.waits.WithLabelValues(e.Why).Inc()
	case relay.EventSent:
	}
}

func dollars(n plantain.Nanodollars) float64 { return float64(n) / float64(plantain.Dollar) }

func (g *Gateway) serveMetrics(w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(g.metrics().registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// windows describes the pool each time it is asked.
type windows struct{ g *Gateway }

// Describe implements [prometheus.Collector].
func (windows) Describe(ch chan<- *prometheus.Desc) {
	ch <- windowUsed
	ch <- windowSize
	ch <- parkedDesc
}

// Collect implements [prometheus.Collector].
func (c windows) Collect(ch chan<- prometheus.Metric) {
	if c.g.Projects == nil {
		return
	}
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	park := func(p *pool.Parking, project, model string) {
		if p != nil {
			gauge(parkedDesc, 1, project, model, p.Reason.String())
		}
	}
	for _, r := range c.g.Projects() {
		park(r.Parked, string(r.Project), "")
		for _, m := range r.Models {
			park(m.Parked, string(r.Project), string(m.Model))
			for _, w := range m.Windows {
				gauge(windowUsed, w.Used, string(r.Project), string(m.Model), string(w.Limit))
				gauge(windowSize, w.Of, string(r.Project), string(m.Model), string(w.Limit))
			}
		}
	}
}

// limits count what each client has running. The zero value lets everything in.
type limits struct {
	mu      sync.Mutex
	most    int // of one client at once; zero: as many as it likes
	running map[plantain.ClientName]int
}

// Limit sets how many requests a client may have running at once; zero: as many
// as it likes.
func (g *Gateway) Limit(most int) {
	g.busy.mu.Lock()
	defer g.busy.mu.Unlock()
	g.busy.most = most
}

// enter reports whether a client may run one more; then it must leave.
func (l *limits) enter(c plantain.ClientName) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.running[c] >= l.most {
		return false
	}
	if l.running == nil {
		l.running = map[plantain.ClientName]int{}
	}
	l.running[c]++
	return true
}

func (l *limits) leave(c plantain.ClientName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[c]--; l.running[c] <= 0 {
		delete(l.running, c)
	}
}

// statusRecorder notes the status of an answer for the count of requests.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets an answer be flushed through.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// count wraps the Gemini API: how many run, and what they got.
func (g *Gateway) count(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m := g.metrics()
		m.running.Inc()
		defer m.running.Dec()
		s := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next(s, r)
		m.requests.WithLabelValues(strconv.Itoa(s.status)).Inc()
	}
}
