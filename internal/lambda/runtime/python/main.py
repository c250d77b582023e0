# Started as the program; everything else is a module, so that Python keeps it
# compiled. The client's own folder leaves sys.path: no module of a function
# may be shadowed by one of ours.
import sys

import suiro_lambda_runtime

del sys.path[0]
suiro_lambda_runtime.run()
