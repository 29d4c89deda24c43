"""Serves the example app: `python -m example_app --port 9000`; register the address that it prints with the PACS."""

import argparse

from werkzeug.serving import make_server

from example_app.app import create_app
from sectra_client.schemas import InputType

options = argparse.ArgumentParser(prog="example_app", description="An app that counts nuclei.")
options.add_argument("--host", default="localhost")
options.add_argument("--port", type=int, default=9000, help="0: any free one")
options.add_argument("--asks-for", type=InputType, default=InputType.WHOLE_SLIDE, choices=list(InputType))
chosen = options.parse_args()
server = make_server(chosen.host, chosen.port, create_app(chosen.asks_for), threaded=True)
print(f"http://{chosen.host}:{server.port}/hook", flush=True)
server.serve_forever()
