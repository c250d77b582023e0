handle() { echo '"from the shell"'; }
