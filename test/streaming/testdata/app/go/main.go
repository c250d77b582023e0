// Command stream is an http.Handler behind lambdaurl.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambdaurl"
)

func main() {
	lambdaurl.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("X-Runtime", "go "+r.Host)
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.WriteHeader(http.StatusCreated)
		for i := range 3 {
			for gate := r.FormValue("gate"); gate != ""; time.Sleep(5 * time.Millisecond) {
				if _, err := os.Stat(fmt.Sprint(gate, i)); err == nil {
					break
				}
			}
			fmt.Fprintf(w, "piece %d;", i)
		}
	}))
}
