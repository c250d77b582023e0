//go:build !linux

package process

import "os/exec"

// CanMount tells whether [Command.Mounts] works here: on Linux alone.
func CanMount() bool { return false }

func mountMain() {}

func mounted(cmd *exec.Cmd, _ Command) *exec.Cmd { return cmd }
