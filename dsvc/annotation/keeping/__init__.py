"""The ledger: answers and lots as facts in the store."""
