// Package ledger decides what an attempt cost, from the price list and the
// usage that its answer showed. Money is integer nano-dollars throughout.
//
// It does not know whether an attempt was charged (the verdict does) nor where
// the entries are kept (package store).
package ledger
