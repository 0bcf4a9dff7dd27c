// Package gallery keeps what was paid for: the pictures, and the answer that is owed
// to a repeated request. It decides what is kept, for how long and in what order things become
// durable. It knows nothing of HTTP, nor of how its rows are stored.
package gallery
