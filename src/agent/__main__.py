# Entry of the zipapp and of this folder (`python3 src/agent hello`). Kept readable by any Python, so that one
# that is too old is told so instead of tripping over syntax.
import sys

if sys.version_info < (3, 8):
    sys.stdout.write(
        '{"type":"error","code":"python-too-old","message":"Loadline\'s agent needs Python 3.8 or newer; %s is %d.%d. '
        'Put a newer python3 first in PATH on this host."}\n'
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )
    sys.exit(1)

from loadline_agent.__main__ import main

sys.exit(main(sys.argv[1:]))
