// A server without a shell beside it. `server healthcheck` asks a running one, for HEALTHCHECK.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "healthcheck" {
		client := http.Client{Timeout: 2 * time.Second}
		answer, err := client.Get("http://127.0.0.1:8000/healthz")
		if err != nil || answer.StatusCode != http.StatusOK {
			os.Exit(1)
		}
		return
	}

	started := time.Now()
	http.HandleFunc("/healthz", func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "application/json")
		json.NewEncoder(answer).Encode(map[string]any{
			"git_sha":        os.Getenv("GIT_SHA"),
			"uptime_seconds": time.Since(started).Seconds(),
		})
	})
	log.Fatal(http.ListenAndServe(":8000", nil))
}
