module github.com/plantainhq/plantain

go 1.26.0

require golang.org/x/image v0.47.0

require github.com/failsafe-go/failsafe-go v0.9.8 // indirect

require (
	github.com/goccy/go-yaml v1.19.2
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
