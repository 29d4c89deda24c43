"""`python -m sectra_client`: the command `sectra-client`."""

import sys

from sectra_client.cli import main

if __name__ == "__main__":
    sys.exit(main())
