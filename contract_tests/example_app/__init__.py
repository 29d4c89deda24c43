"""An example app for partners to copy: counts nuclei, and answers everything that a PACS asks of an app."""
