//go:build linux || darwin

package main

import "syscall"

// freeBytes is the room that this user has where a folder is.
func freeBytes(folder string) (free uint64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
