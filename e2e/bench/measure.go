package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	small  = 1_500_000  // 1K at its smallest
	usual  = 4_000_000  // 1K with its signatures
	large  = 25_000_000 // 4K
	passes = 2          // A B C C B A, twice
)

// throughput is one row: answers a second and processor time per megabyte.
type throughput struct {
	Size        int     `json:"bytes"`
	Callers     int     `json:"callers"`
	Direct      float64 `json:"direct_per_second"`
	Proxy       float64 `json:"reverseproxy_per_second"`
	Gateway     float64 `json:"gateway_per_second"`
	Ratio       float64 `json:"gateway_to_reverseproxy"`
	ProxyCPU    float64 `json:"reverseproxy_cpu_ms_per_mb"`
	GatewayCPU  float64 `json:"gateway_cpu_ms_per_mb"`
	CPURatio    float64 `json:"cpu_ratio"`
	ProxyCut    int64   `json:"reverseproxy_cut"`
	GatewayCut  int64   `json:"gateway_cut"`
	InMemory    bool    `json:"fits_the_spool"`
	DirectBytes float64 `json:"direct_mb_per_second"`
}

// gallery is one row: answers a second to 8 callers, with pictures and signatures kept
// or not.
type gallery struct {
	Size  int     `json:"bytes"`
	Off   float64 `json:"without_per_second"`
	On    float64 `json:"with_per_second"`
	Ratio float64 `json:"ratio"`
}

// latency is one row: the time to the last byte at half of ReverseProxy's rate.
type latency struct {
	Size       int     `json:"bytes"`
	Rate       float64 `json:"per_second"`
	ProxyP50   float64 `json:"reverseproxy_p50_ms"`
	ProxyP99   float64 `json:"reverseproxy_p99_ms"`
	GatewayP50 float64 `json:"gateway_p50_ms"`
	GatewayP99 float64 `json:"gateway_p99_ms"`
	RatioP50   float64 `json:"p50_ratio"`
	RatioP99   float64 `json:"p99_ratio"`
}

// memory is one row: the peak of a fresh gateway.
type memory struct {
	What string  `json:"what"`
	Peak float64 `json:"vmhwm_mb"`
	Most float64 `json:"goal_mb"`
}

func (b *bench) throughputs() ([]throughput, error) {
	var rows []throughput
	for _, size := range []int{small, usual, large} {
		for _, callers := range []int{1, 8, 32} {
			row, err := b.throughput(size, callers)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(os.Stderr, "%.1f MB, %d callers: %.2f of ReverseProxy\n", float64(size)/1e6, callers, row.Ratio)
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// rest waits until the disk is at rest: what a build or a row that spills left to be
// written would slow the next row down.
func rest() {
	syscall.Sync()
	time.Sleep(time.Second)
}

func (b *bench) throughput(size, callers int) (throughput, error) {
	rest()
	tallies, err := b.alternate([]*process{b.upstream, b.proxy, b.gateway}, size, callers)
	if err != nil {
		return throughput{}, err
	}
	direct, proxy, gateway := &tallies[0], &tallies[1], &tallies[2]
	perMB := func(t *tally) float64 {
		return t.cpu.Seconds() * 1000 / (float64(t.answers) * float64(size) / 1e6)
	}
	return throughput{
		Size: size, Callers: callers, InMemory: size*callers < 100<<20,
		Direct: direct.rate(), Proxy: proxy.rate(), Gateway: gateway.rate(), Ratio: gateway.rate() / proxy.rate(),
		ProxyCPU: perMB(proxy), GatewayCPU: perMB(gateway), CPURatio: perMB(gateway) / perMB(proxy),
		ProxyCut: proxy.cut, GatewayCut: gateway.cut, DirectBytes: direct.rate() * float64(size) / 1e6,
	}, nil
}

// alternate measures contenders in turn, back and forth.
func (b *bench) alternate(contenders []*process, size, callers int) ([]tally, error) {
	tallies := make([]tally, len(contenders))
	for pass := range 2 * passes {
		for i := range contenders {
			if pass%2 == 1 {
				i = len(contenders) - 1 - i
			}
			c := newClient(contenders[i], size)
			t, err := b.closed(contenders[i], c, callers)
			c.close()
			if err != nil {
				return nil, err
			}
			tallies[i].add(t)
		}
	}
	return tallies, nil
}

// galleries measures what it takes to keep pictures and signatures. What that writes to the
// disk slows others down for a while, so it comes last.
func (b *bench) galleries() ([]gallery, error) {
	var rows []gallery
	for _, size := range []int{small, usual, large} {
		tallies, err := b.alternate([]*process{b.gateway, b.gallery}, size, 8)
		if err != nil {
			return nil, err
		}
		off, on := tallies[0].rate(), tallies[1].rate()
		rows = append(rows, gallery{Size: size, Off: off, On: on, Ratio: on / off})
	}
	return rows, nil
}

func (b *bench) latencies(rows []throughput) ([]latency, error) {
	var out []latency
	for _, r := range rows {
		if r.Callers != 8 {
			continue
		}
		rest()
		rate := r.Proxy / 2
		tallies := make([]tally, 2)
		for pass := range 2 * passes {
			for i, p := range []*process{b.proxy, b.gateway} {
				if pass%2 == 1 {
					i, p = 1-i, []*process{b.gateway, b.proxy}[i]
				}
				c := newClient(p, r.Size)
				t, err := b.open(p, c, rate)
				c.close()
				if err != nil {
					return nil, err
				}
				tallies[i].add(t)
			}
		}
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		l := latency{Size: r.Size, Rate: rate,
			ProxyP50: ms(tallies[0].quantile(.5)), ProxyP99: ms(tallies[0].quantile(.99)),
			GatewayP50: ms(tallies[1].quantile(.5)), GatewayP99: ms(tallies[1].quantile(.99))}
		l.RatioP50, l.RatioP99 = l.GatewayP50/l.ProxyP50, l.GatewayP99/l.ProxyP99
		out = append(out, l)
	}
	return out, nil
}

func (b *bench) memories() ([]memory, error) {
	var out []memory
	for _, c := range []struct {
		what    string
		size    int
		callers int
		most    float64
	}{
		{"idle", 0, 0, 45},
		{"32 answers of 1.5 MB in flight", small, 32, 80},
		{"100 answers of 25 MB in flight", large, 100, 350},
	} {
		peak, err := b.memory(c.size, c.callers)
		if err != nil {
			return nil, err
		}
		out = append(out, memory{c.what, float64(peak) / 1e6, c.most})
	}
	return out, nil
}

// memory gives the peak of a fresh gateway with callers in flight at once, three
// rounds of it.
func (b *bench) memory(size, callers int) (int64, error) {
	p, err := b.newGateway("images: 0, signatures: 0")
	if err != nil {
		return 0, err
	}
	defer p.stop()
	ctx, cancel := context.WithCancelCause(b.ctx)
	defer cancel(nil)
	for range 3 {
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				c := newClient(p, size)
				defer c.close()
				c.delay = 500 * time.Millisecond // so that all are in flight
				if _, err := c.once(ctx, make([]byte, 64<<10)); err != nil {
					cancel(err)
				}
			})
		}
		wg.Wait()
	}
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	return p.peak()
}
