"""What is required of an app, a module for each subject: each requirement is a sentence and the scene that shows it."""
