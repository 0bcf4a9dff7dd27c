//go:build !linux && !darwin

package main

// freeBytes can't be told here.
func freeBytes(string) (free uint64, ok bool) { return 0, false }
