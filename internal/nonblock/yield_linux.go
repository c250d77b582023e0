package nonblock

import "syscall"

// yields are enough for a thread that is ready to come to its next wait.
const yields = 5

// Yield lets other processes run that share this thread's processor and are
// ready; where there are none it costs a microsecond.
//
// The one who has just sent a request may be among them: the kernel runs the
// server the moment that the request is there, before the sender's write has
// returned. A client that does not expect an answer before that errs: the AWS
// SDK for Go closes the request's body when an answer's header comes, and the
// end of its writing then fails at that body and takes the connection along,
// under an answer that is longer than what was read with the header. Of such
// answers one in twenty-five was lost to it (aws/aws-sdk-go-v2 issue 2737).
func Yield() {
	for range yields {
		_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
	}
}
