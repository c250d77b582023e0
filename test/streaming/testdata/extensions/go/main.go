// Command tally is an external extension that counts invocations.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension/"
	req, _ := http.NewRequest("POST", api+"register", strings.NewReader(`{"events":["INVOKE","SHUTDOWN"]}`))
	req.Header.Set("Lambda-Extension-Name", filepath.Base(os.Args[0]))
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != 200 {
		fmt.Println("tally could not register:", res, err)
		os.Exit(1)
	}
	id := res.Header.Get("Lambda-Extension-Identifier")
	for count := 0; ; {
		req, _ := http.NewRequest("GET", api+"event/next", nil)
		req.Header.Set("Lambda-Extension-Identifier", id)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			os.Exit(1)
		}
		var event struct{ EventType, ShutdownReason string }
		_ = json.NewDecoder(res.Body).Decode(&event)
		_ = res.Body.Close()
		if event.EventType == "SHUTDOWN" {
			fmt.Println("tally:", count, event.ShutdownReason)
			return
		}
		count++
		fmt.Println("tally counts", count)
	}
}
