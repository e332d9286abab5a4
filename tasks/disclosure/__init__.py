"""What workers, requesters and the public are told: cards, records, ratings, rules, reports."""
