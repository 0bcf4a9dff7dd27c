package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// print shows the figures as tables.
func (r report) print(to io.Writer) {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(r.Throughput) > 0 {
		fmt.Fprintln(t, "MB\tcallers\tdirect/s\tReverseProxy/s\tgateway/s\tratio\tCPU ms/MB\tours\tratio\tcut\tours\t")
	}
	for _, x := range r.Throughput {
		fmt.Fprintf(t, "%.1f\t%d\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t%.2f\t%.2f\t%d\t%d\t\n", float64(x.Size)/1e6, x.Callers,
			x.Direct, x.Proxy, x.Gateway, x.Ratio, x.ProxyCPU, x.GatewayCPU, x.CPURatio, x.ProxyCut, x.GatewayCut)
	}
	if len(r.Latency) > 0 {
		fmt.Fprintln(t, "\nMB\trate/s\tReverseProxy p50 ms\tp99\tgateway p50 ms\tp99\tp50 ratio\tp99 ratio\t")
	}
	for _, x := range r.Latency {
		fmt.Fprintf(t, "%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t\n", float64(x.Size)/1e6, x.Rate,
			x.ProxyP50, x.ProxyP99, x.GatewayP50, x.GatewayP99, x.RatioP50, x.RatioP99)
	}
	fmt.Fprintln(t, "\npeak memory of the gateway\tMB\tgoal\t")
	for _, x := range r.Memory {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t\n", x.What, x.Peak, x.Most)
	}
	if len(r.Gallery) > 0 {
		fmt.Fprintln(t, "\nMB\tnothing kept/s\tpictures and signatures kept/s\tratio\t")
	}
	for _, x := range r.Gallery {
		fmt.Fprintf(t, "%.1f\t%.1f\t%.1f\t%.2f\t\n", float64(x.Size)/1e6, x.Off, x.On, x.Ratio)
	}
	if x := r.Healing; x.Turns > 0 {
		fmt.Fprintf(t, "\na request of %d turns\tMB in\tMB out\tCPU ms\t\n", x.Turns)
		fmt.Fprintf(t, "without signatures, to a model that needs none\t%.1f\t%.1f\t%.1f\t\n", x.Bytes/1e6, x.Bytes/1e6, x.PlainCPU)
		fmt.Fprintf(t, "without signatures, healed\t%.1f\t%.1f\t%.1f\t\n", x.Bytes/1e6, x.Healed/1e6, x.HealedCPU)
		fmt.Fprintf(t, "with all signatures, as it came\t%.1f\t%.1f\t%.1f\t\n", x.Healed/1e6, x.Healed/1e6, x.RightCPU)
		fmt.Fprintf(t, "healed, to as it came\t\t\t%.2f\t\n", x.Ratio)
	}
	_ = t.Flush()
}
