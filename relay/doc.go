// Package relay is the one loop: choose a project, open the attempt in the
// books, send it, judge what came back, settle it, and go again only where the
// verdict advises it. Its face is an [http.RoundTripper], so the gateway and a
// Go program that imports it have the same remedies.
//
// It does not know windows (package pool), meanings (package verdict), prices
// (package ledger) or SQL (package store): it asks them, in that order.
package relay
