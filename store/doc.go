// Package store keeps what must outlive the process: attempts, windows, keys and
// accounts, the answers that are owed, pictures, what was filtered, alerts and
// demand; on SQLite or PostgreSQL. It is all the SQL there is, one text for both,
// and implements the Books of the relay and the small stores of the deciders. What
// an attempt costs and where it may go comes in as functions that it applies to
// the windows as they are.
package store
