"""The app's side: what the fake PACS and its user do to a registered app, and what the app made of it."""
