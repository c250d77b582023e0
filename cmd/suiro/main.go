// Command suiro runs serverless streaming apps on this machine, from the
// template that deploys them to AWS.
package main

import (
	"os"

	"github.com/suiro-dev/suiro/internal/command"
)

func main() { os.Exit(command.Main()) }
