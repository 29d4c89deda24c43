"""`ia-api-contract` and `python -m ia_api_contract`; says which extra is missing where only the client is installed."""

import sys

NEEDED = ("click", "hypothesis", "jsonschema_rs", "PIL", "requests", "schemathesis", "yaml")


def main() -> None:
    """Runs the command line of the contract suite."""
    try:
        from ia_api_contract.cli import main as command
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in NEEDED:
            raise
        sys.exit(f"ia-api-contract needs its libraries ({error.name} is missing): pip install 'ia-api-kit[contract]'")
    command()


if __name__ == "__main__":
    main()
