package main

type simCmd struct{}

func (simCmd) Run(w *world) error { return nil }
