// Package pool decides through which project a request goes, and when: the
// projects, the windows of their limits, the parkings, the weather, and what a
// client may use. Its arithmetic is pure;
// a [Store] applies it in a transaction.
//
// It does not know what a response means (package verdict) nor what an attempt
// costs (package ledger), and it never sends anything.
package pool
