"""The checks, a module for each resource; `ia_api_contract.suite` lists them all."""
