// Package gemini knows Google's wire: the paths, the models and what they make,
// and how to find facts in a body as it passes, without decoding it.
//
// It does not know what the facts mean (package verdict) nor what they cost
// (package ledger).
package gemini
