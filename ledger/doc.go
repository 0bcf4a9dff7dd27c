// Package ledger decides what an attempt cost, from the price list and the
// usage that its answer showed, and adds up what was spent: by whom, for what, for
// nothing, beside a bill of Google's, and with which tier it would have been less. Money is integer nano-dollars throughout.
//
// It does not know whether an attempt was charged (the verdict does) nor where
// the entries are kept (package store).
package ledger
