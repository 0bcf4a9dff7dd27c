package gateway

import (
	"cmp"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/thread"
)

// A Load is how full the house is at a moment.
type Load struct {
	Waiting int   // requests in the queue
	Spooled int64 // bytes of memory that bodies hold
}

// metrics are what Prometheus reads. Labels are names of the configuration and
// words of this house, so their number is bounded; clients are none.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	running  prometheus.Gauge
	attempts *prometheus.CounterVec
	cost     *prometheus.CounterVec
	unknown  *prometheus.CounterVec
	fallback *prometheus.CounterVec
	healed   *prometheus.CounterVec
	waits    *prometheus.CounterVec
	waited   prometheus.Histogram
}

// metrics makes the collectors when they are first needed.
func (g *Gateway) metrics() *metrics {
	g.once.Do(func() {
		counter := func(name, help string, labels ...string) *prometheus.CounterVec {
			return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		}
		m := &metrics{
			registry: prometheus.NewRegistry(),
			requests: counter("plantain_requests_total", "Requests to the Gemini API by the HTTP status that the client got; 499: it left before.", "status"),
			running:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "plantain_requests_running", Help: "Requests to the Gemini API that a client waits for."}),
			attempts: counter("plantain_attempts_total", "Attempts by what came of them.", "project", "model", "verdict", "charged"),
			cost:     counter("plantain_cost_dollars_total", "What attempts cost for certain.", "project", "model", "verdict"),
			unknown:  counter("plantain_cost_unknown_dollars_total", "The most that attempts can have cost beyond that, where their end was not seen.", "project", "model"),
			fallback: counter("plantain_fallback_attempts_total", "Attempts by a model that served in the place of the one asked for.", "asked", "model", "verdict"),
			healed:   counter("plantain_healed_attempts_total", "Attempts whose conversation was healed before it was sent, by how (as Plantain-Healed says) and what came of them.", "how", "model", "verdict"),
			waits:    counter("plantain_waits_total", "Waits of requests, by what they were for.", "reason"),
			waited: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "plantain_wait_seconds",
				Help:    "What attempts waited for room or a back-off before they were sent.",
				Buckets: []float64{.01, .1, 1, 5, 15, 30, 60, 120, 300}}),
		}
		m.registry.MustRegister(m.requests, m.running, m.attempts, m.cost, m.unknown, m.fallback, m.healed, m.waits, m.waited, state{g},
			collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		g.counted = m
	})
	return g.counted
}

// Observe counts an event of the relay; it is for [relay.Transport.Watch].
func (g *Gateway) Observe(e relay.Event) {
	g.busy.observe(e)
	m := g.metrics()
	project, model := string(e.Project), string(e.Model)
	switch e.Kind {
	case relay.EventJudged:
		m.attempts.WithLabelValues(project, model, e.Class.String(), e.Charged.String()).Inc()
		m.cost.WithLabelValues(project, model, e.Class.String()).Add(dollars(e.Cost.Low))
		if e.Asked != "" {
			m.fallback.WithLabelValues(string(e.Asked), model, e.Class.String()).Inc()
		}
		if e.Healed != thread.Untouched {
			m.healed.WithLabelValues(string(e.Healed), model, e.Class.String()).Inc()
		}
		if !e.Cost.Known() {
			m.unknown.WithLabelValues(project, model).Add(dollars(e.Cost.High - e.Cost.Low))
		}
	case relay.EventWaiting:
		m.waits.WithLabelValues(e.Why).Inc()
	case relay.EventSent:
		m.waited.Observe(e.Waited.Seconds())
	case relay.EventTurnedAway, relay.EventSpared: // counted by their status
	}
}

func dollars(n plantain.Nanodollars) float64 { return float64(n) / float64(plantain.Dollar) }

func (g *Gateway) serveMetrics(w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(g.metrics().registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// state is what is so at the moment of asking: the pool, the load and the build.
type state struct{ g *Gateway }

var (
	buildInfo   = describe("build_info", "1; its labels are the build.", "version", "revision", "go")
	waitingNow  = describe("requests_waiting", "Requests in the queue for room.")
	spooledNow  = describe("spool_bytes", "Memory that bodies hold.")
	answersLost = describe("answers_lost_total", "Answers of which no copy could be kept for a request that is repeated.")
	imagesLost  = describe("images_lost_total", "Pictures of which no copy could be kept in the gallery; their clients got them.")
	attemptsNow = describe("attempts_running", "Attempts that are out.", "project", "model")
	parkedNow   = describe("parked", "1 where a project is parked; an empty model is the whole project.", "project", "model", "reason")
	parkedUntil = describe("parked_until_timestamp_seconds", "When a parking ends; +Inf: not by itself.", "project", "model", "reason")
	// An empty model is the project over all its models. Spend is in dollars.
	windowUsed     = describe("window_used", "What is taken of a window: requests, images, tokens, or dollars of spend.", "project", "model", "limit")
	windowLimit    = describe("window_limit", "The size of a window, in the same.", "project", "model", "limit")
	windowHeadroom = describe("window_headroom", "What is left of a window, in the same.", "project", "model", "limit")
	windowFree     = describe("window_free_timestamp_seconds", "When the next room of a window comes back; absent: none is taken.", "project", "model", "limit")
	windowReset    = describe("window_reset_timestamp_seconds", "When all of a window is back if nothing else is sent; absent: it is.", "project", "model", "limit")
	windowLearnt   = describe("window_learnt_timestamp_seconds", "When a refusal disclosed the size of a window; absent: it comes from the configuration or the tier.", "project", "model", "limit")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("plantain_"+name, help, labels, nil)
}

// Describe implements [prometheus.Collector].
func (state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{buildInfo, waitingNow, spooledNow, answersLost, imagesLost, attemptsNow, parkedNow, parkedUntil,
		windowUsed, windowLimit, windowHeadroom, windowFree, windowReset, windowLearnt} {
		ch <- d
	}
	for _, d := range weatherMetrics {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (s state) Collect(ch chan<- prometheus.Metric) {
	b := s.g.Build
	gauge(ch, buildInfo, 1, b["version"], b["revision"], b["go"])
	if s.g.Load != nil {
		l := s.g.Load()
		gauge(ch, waitingNow, float64(l.Waiting))
		gauge(ch, spooledNow, float64(l.Spooled))
	}
	if s.g.Answers != nil {
		ch <- prometheus.MustNewConstMetric(answersLost, prometheus.CounterValue, float64(s.g.Answers.Lost()))
	}
	if s.g.Gallery != nil {
		ch <- prometheus.MustNewConstMetric(imagesLost, prometheus.CounterValue, float64(s.g.Gallery.Lost()))
	}
	if s.g.Weather.Now != nil {
		collectWeather(ch, s.g.Weather.Now())
	}
	if s.g.Projects == nil {
		return
	}
	for _, r := range s.g.Projects() {
		project := string(r.Project)
		collectWindows(ch, project, "", r.Parked, r.Windows)
		for _, m := range r.Models {
			gauge(ch, attemptsNow, float64(m.InAir), project, string(m.Model))
			collectWindows(ch, project, string(m.Model), m.Parked, m.Windows)
		}
	}
}

func collectWindows(ch chan<- prometheus.Metric, project, model string, parked *pool.Parking, windows []pool.WindowReport) {
	if parked != nil {
		until := math.Inf(1)
		if !parked.Until.IsZero() {
			until = seconds(parked.Until)
		}
		gauge(ch, parkedNow, 1, project, model, parked.Reason.String())
		gauge(ch, parkedUntil, until, project, model, parked.Reason.String())
	}
	for _, w := range windows {
		unit := 1.0
		if w.Limit == plantain.LimitSpend {
			unit = float64(plantain.Dollar)
		}
		gauge(ch, windowUsed, float64(w.Used)/unit, project, model, string(w.Limit))
		gauge(ch, windowLimit, float64(w.Of)/unit, project, model, string(w.Limit))
		gauge(ch, windowHeadroom, float64(w.Headroom)/unit, project, model, string(w.Limit))
		if w.Used > 0 {
			gauge(ch, windowFree, seconds(w.Free), project, model, string(w.Limit))
			gauge(ch, windowReset, seconds(w.Reset), project, model, string(w.Limit))
		}
		if w.Learnt != nil {
			gauge(ch, windowLearnt, seconds(w.Learnt.At), project, model, string(w.Limit))
		}
	}
}

// seconds is how Prometheus counts instants.
func seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// statusRecorder notes the status of an answer for the count of requests.
type statusRecorder struct {
	http.ResponseWriter
	status int // zero: none was written yet
}

// WriteHeader implements [http.ResponseWriter].
func (s *statusRecorder) WriteHeader(status int) {
	s.status = cmp.Or(s.status, status)
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusRecorder) Write(p []byte) (int, error) {
	s.status = cmp.Or(s.status, http.StatusOK)
	return s.ResponseWriter.Write(p)
}

// ReadFrom implements [io.ReaderFrom], so that the kernel can send what is in a file.
func (s *statusRecorder) ReadFrom(r io.Reader) (int64, error) {
	s.status = cmp.Or(s.status, http.StatusOK)
	return io.Copy(s.ResponseWriter, r)
}

// Unwrap lets an answer be flushed through.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// clientLeft is what nginx notes, and others after it, for an answer to nobody.
const clientLeft = 499

// count wraps the Gemini API: how many run, and what they got, also at the door.
func (g *Gateway) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := g.metrics()
		m.running.Inc()
		defer m.running.Dec()
		s := &statusRecorder{ResponseWriter: w}
		next.ServeHTTP(s, r)
		m.requests.WithLabelValues(strconv.Itoa(cmp.Or(s.status, clientLeft))).Inc()
	})
}
