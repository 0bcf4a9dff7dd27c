// Package store keeps what must outlive the process: attempts, windows and keys,
// on SQLite or PostgreSQL. It is all the SQL there is, one text for both, and
// implements the Books of the relay and the small stores of the deciders. It
// decides nothing: the arithmetic comes in as functions that it applies to the
// windows as they are.
package store
