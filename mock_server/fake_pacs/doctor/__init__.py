"""What keeps a PACS, an app and this machine from reaching each other: found one by one, each with what to do."""
