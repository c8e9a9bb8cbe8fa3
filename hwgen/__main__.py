"""`hwgen`, and `python -m hwgen`: the command line, with whatever keeps it from starting."""

from __future__ import annotations

import sys
import traceback


def main() -> int:
    """Run the command line; its exit status. An installation that cannot be imported is 2, never 1, a difference."""
    try:
        from hwgen.cli.main import main as run
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception:
        traceback.print_exc()
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
