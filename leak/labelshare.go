package leak

// LabelShare is a value of a pprof label that most of the leaked goroutines have. Values
// may be sensitive, so Value is a hash ("#5f3a9c2d") unless the configuration allows the key.
type LabelShare struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	// Share is its part of the growth of the stack, 0 to 1.
	Share float64 `json:"share"`
}
