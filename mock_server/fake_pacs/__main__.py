"""`fake-pacs` and `python -m fake_pacs`; says which extra is missing where only the client is installed."""

import sys

NEEDED = ("click", "flask", "h11", "jsonschema_rs", "openslide", "PIL", "sqlalchemy", "yaml")


def main() -> None:
    """Runs the command line of the fake PACS."""
    try:
        from fake_pacs.cli import main as command
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in NEEDED:
            raise
        sys.exit(f"fake-pacs needs the server's libraries ({error.name} is missing): pip install 'ia-api-kit[server]'")
    command()


if __name__ == "__main__":
    main()
