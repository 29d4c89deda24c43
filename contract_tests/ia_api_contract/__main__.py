"""`ia-api-contract` and `python -m ia_api_contract`; says which extra is missing where only the client is installed."""

import sys
import traceback

BROKEN = 4
"""`outcomes.EXIT_ERROR`, which can't be imported where libraries are missing."""

NEEDED = ("click", "hypothesis", "jsonschema_rs", "PIL", "requests", "schemathesis", "yaml")


def main() -> None:
    """Runs the command line of the contract suite."""
    try:
        from ia_api_contract.cli import main as command
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in NEEDED:
            raise
        sys.exit(f"ia-api-contract needs its libraries ({error.name} is missing): pip install 'ia-api-kit[contract]'")
    try:
        command()
    except Exception:
        traceback.print_exc()
        print("the suite itself broke: this says nothing about the target; please report it", file=sys.stderr)
        sys.exit(BROKEN)


if __name__ == "__main__":
    main()
