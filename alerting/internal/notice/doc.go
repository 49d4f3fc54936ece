// Package notice holds the value that passes from the notifier to the receivers: a
// leak as it concerns one alert. It renders and sends nothing.
package notice
